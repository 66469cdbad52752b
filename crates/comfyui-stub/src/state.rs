//! What the parts of the server share.

use crate::{faults::Faults, files::Files, queue::Queue, socket::Sockets};
use comfyui::ObjectInfo;
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) queue: Locked<Queue>,
    pub(crate) files: Locked<Files>,
    pub(crate) sockets: Sockets,
    faults: Locked<Faults>,
    /// Counts what may let the executor go on.
    changes: watch::Sender<u64>,
}

/// A mutex that a panic elsewhere does not close.
#[derive(Default)]
pub(crate) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut self.faults.lock())
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) async fn held(&self) {
        let mut changes = self.changes();
        while !self.faults(|faults| faults.is_held) {
            // The sender is in `self`.
            let _ = changes.changed().await;
        }
    }

    /// Tells all sockets how long the queue is.
    pub(crate) fn send_status(&self) {
        let remaining = self.queue.lock().remaining();
        let data = json!({"status": {"exec_info": {"queue_remaining": remaining}}});
        self.sockets.send(None, "status", &data);
    }

    /// The node classes, with the uploaded files in their lists.
    pub(crate) fn object_info(&self) -> ObjectInfo {
        crate::nodes::object_info(&self.files.lock())
    }
}
