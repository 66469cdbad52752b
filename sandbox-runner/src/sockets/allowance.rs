//! How much a client may say. Nothing that it says means anything here but that it is there.

use std::time::Duration;
use tokio::time::Instant;

/// Messages that a client may send at once.
const BURST: u32 = 120;

/// How long one message's worth takes to come back.
const INTERVAL: Duration = Duration::from_millis(250);

/// What a client may still say: full again at `full_at`.
#[derive(Debug)]
pub(super) struct Allowance {
    full_at: Instant,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one message's worth. Says whether there was enough.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.full_at = self.full_at.max(now) + INTERVAL;
        self.full_at <= now + INTERVAL * BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_allowance_is_used_up_and_comes_back() {
        let now = Instant::now();
        let mut allowance = Allowance::new(now);
        for _ in 0..BURST {
            assert!(allowance.take(now));
        }
        assert!(!allowance.take(now));
        let later = now + INTERVAL * 2;
        assert!(allowance.take(later));
        assert!(!allowance.take(later));
    }
}
