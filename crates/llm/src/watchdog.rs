//! Notices when a server has been silent for too long.
//!
//! A timer is not set anew for every token: it runs out, looks when the server was last heard,
//! and sets itself to what is left. Where nothing was heard since it was set, its time is up
//! whatever the clock shows by now: somebody may have put that right meanwhile.

use futures::ready;
use ports::{BoxFuture, Clock};
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

pub(crate) struct Watchdog {
    clock: Arc<dyn Clock>,
    timer: BoxFuture<'static, ()>,
    /// How long the server may be silent.
    limit: Duration,
    /// How long it may send signs of life only.
    patience: Duration,
    heard_at: i64,
    progress_at: i64,
    /// Whether nothing was heard since the timer was set.
    quiet: bool,
}

impl Watchdog {
    pub(crate) fn new(clock: Arc<dyn Clock>, limit: Duration, patience: Duration) -> Self {
        let now = clock.now();
        Self {
            timer: clock.sleep(limit),
            clock,
            limit,
            patience,
            heard_at: now,
            progress_at: now,
            quiet: true,
        }
    }

    /// The server sent a sign of life.
    pub(crate) fn heard(&mut self) {
        self.heard_at = self.clock.now();
        self.quiet = false;
    }

    /// The server sent a piece of the answer.
    pub(crate) fn progressed(&mut self) {
        self.heard();
        self.progress_at = self.heard_at;
    }

    /// From now on the server may be silent for `limit`.
    pub(crate) fn allow(&mut self, limit: Duration) {
        if limit < self.limit {
            self.set(limit);
        }
        self.limit = limit;
    }

    /// Ready when the server has been silent for too long.
    pub(crate) fn poll_bark(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let left = self.left();
            if self.quiet || left.is_zero() {
                return Poll::Ready(());
            }
            self.set(left);
        }
    }

    fn set(&mut self, duration: Duration) {
        self.timer = self.clock.sleep(duration);
        self.quiet = true;
    }

    fn left(&self) -> Duration {
        let now = self.clock.now();
        let since = |then: i64| {
            Duration::from_millis(u64::try_from(now.saturating_sub(then)).unwrap_or_default())
        };
        let silent = self.limit.saturating_sub(since(self.heard_at));
        silent.min(self.patience.saturating_sub(since(self.progress_at)))
    }
}
