//! Stopping in order: no new work, a time for what is under way, then the end of it.

use std::time::Duration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Spawns the runner's tasks and ends them. Clones share one state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain {
    stop: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// Spawns a task that ends by itself soon after [`stopping`](Self::stopping) fires, and is
    /// dropped where it stands when the time is over.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.child_token();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = task => {}
                () = cut.cancelled_owned() => {}
            }
        });
    }

    /// Fires when no new work may begin. A token of its own for each task: waiting on one
    /// shared token would make all connections meet at its lock.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Asks all tasks to end, waits at most `limit`, then drops the rest. Returns whether all
    /// ended by themselves.
    pub(crate) async fn finish(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let in_time = tokio::time::timeout(limit, self.tasks.wait()).await.is_ok();
        self.cut.cancel();
        self.tasks.wait().await;
        in_time
    }
}
