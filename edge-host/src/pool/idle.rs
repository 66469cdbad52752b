//! When an instance that has nothing to do is given up.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long an instance without work is kept.
const KEPT: Duration = Duration::from_secs(30);

/// Waits for the end of an instance's idleness.
pub(super) struct Idle {
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Idle {
    pub(super) fn new(draining: &CancellationToken) -> Self {
        Self {
            since: None,
            timer: None,
            draining: Box::pin(draining.clone().cancelled_owned()),
        }
    }

    /// There is work.
    pub(super) fn end(&mut self) {
        self.since = None;
    }

    /// Ready when the instance has been idle for long enough, or the host stops.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.draining.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        // The timer is not reset for each request, but looks at its end whether one came.
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(KEPT)));
        while timer.as_mut().poll(context).is_ready() {
            let end = since + KEPT;
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}
