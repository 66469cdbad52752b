//! How many requests one instance has open.
//!
//! A request is open from the moment the instance takes it until its response's body has ended or
//! its reader has left: the guest writes a stream long after the head of its response is there.

use futures::task::AtomicWaker;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

/// Requests that one instance has open at once, as under Spin.
const AT_ONCE: usize = 16;

/// The open requests of one instance.
#[derive(Default)]
pub(super) struct Open(Arc<Shared>);

/// A request that is open until this is dropped.
pub(crate) struct Opened(Arc<Shared>);

#[derive(Default)]
struct Shared {
    count: AtomicUsize,
    /// Whoever waits for one of them to end.
    full: AtomicWaker,
}

impl Open {
    /// Counts one more.
    pub(super) fn begin(&self) -> Opened {
        self.0.count.fetch_add(1, Relaxed);
        Opened(Arc::clone(&self.0))
    }

    /// Ready when there may be one more; else the task is woken when one ends. A body ends outside
    /// of the instance, which would hear of it from nobody else.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        if self.has_room() {
            return Poll::Ready(());
        }
        self.0.full.register(context.waker());
        // One may have ended before it was known who waits.
        if self.has_room() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn has_room(&self) -> bool {
        self.0.count.load(Relaxed) < AT_ONCE
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Relaxed);
        self.0.full.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::task::{ArcWake, waker};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn whoever_is_full_is_woken_when_one_ends() {
        let woken = Arc::new(Woken::default());
        let waker = waker(Arc::clone(&woken));
        let context = Context::from_waker(&waker);
        let open = Open::default();
        let mut requests = Vec::new();
        for _ in 0..AT_ONCE {
            assert!(open.poll_room(&context).is_ready());
            requests.push(open.begin());
        }
        assert!(open.poll_room(&context).is_pending());
        assert_eq!(woken.0.load(Relaxed), 0);
        requests.pop();
        assert_eq!(woken.0.load(Relaxed), 1);
        assert!(open.poll_room(&context).is_ready());
        // With room nobody need be woken.
        requests.pop();
        assert_eq!(woken.0.load(Relaxed), 1);
    }
}
