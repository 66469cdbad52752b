//! The machine's clock, and one that a test drives.

use ports::{BoxFuture, Clock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// The machine's clock. Its `sleep` follows tokio's time, which a test may pause.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, milliseconds)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that stands still until [`ManualClock::advance`]. Cheap to clone; clones share the
/// time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: watch::Sender<i64>,
}

impl ManualClock {
    /// A clock that shows `now`, in milliseconds since 1970.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now: watch::Sender::new(now),
        }
    }

    /// Moves the clock on and wakes the sleepers whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.now
            .send_modify(|now| *now = now.saturating_add(milliseconds(duration)));
    }

    /// How many sleeps wait for the clock, so that a test can wait for its subject to sleep.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.now().saturating_add(milliseconds(duration));
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // An error means that the clock is gone: its time never comes.
            if now.wait_for(|now| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
