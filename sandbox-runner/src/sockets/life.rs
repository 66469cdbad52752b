//! How long a socket or a stream may live.

use super::{goodbye::Goodbye, logins::Guard};
use std::time::Duration;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;

/// The longest time that is waited for a token's end; what lives longer is renewed by then.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a socket or a stream may live, and its place among all.
#[derive(Debug)]
pub(super) struct Life {
    login: Guard,
    expires: Instant,
    stopping: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Life {
    /// A life that ends with the token, at `expires_at` in milliseconds since 1970.
    pub(super) fn new(
        login: Guard,
        expires_at: i64,
        stopping: CancellationToken,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let left = expires_at.saturating_sub(rooms::now().0);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LONGEST);
        Self {
            login,
            expires: Instant::now() + left,
            stopping,
            _place: place,
        }
    }

    /// Resolves when it is over.
    pub(super) async fn over(&self) -> Goodbye {
        tokio::select! {
            () = self.stopping.cancelled() => Goodbye::Stopping,
            () = tokio::time::sleep_until(self.expires) => Goodbye::Expired,
            why = self.login.ended() => why,
        }
    }
}
