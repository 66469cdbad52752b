//! Time, randomness, tasks and settings.

use crate::BoxFuture;
use futures::channel::oneshot;
use std::time::Duration;

/// Time, and waiting for it.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> i64;

    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Random bytes fit for secrets.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Work that goes on after the response, also when its reader has left.
pub trait Tasks: Send + Sync {
    /// Runs `task` to its end beside everything else.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Does `work` to its end, also where whoever waits for it is dropped meanwhile. `None` where the
/// host itself stopped it.
pub async fn to_its_end<T: Send + 'static>(
    tasks: &dyn Tasks,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (done, result) = oneshot::channel();
    tasks.spawn(Box::pin(async move {
        // Nobody may wait any more.
        let _ = done.send(work.await);
    }));
    result.await.ok()
}

/// The operator's settings: Spin variables.
pub trait Variables: Send + Sync {
    /// The variable `name`. One that the application declares without a value is the empty text.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<String, VariableError>>;
}

/// A variable could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("variable `{name}`: {reason}")]
pub struct VariableError {
    /// The variable's name.
    pub name: String,
    /// What the host said; never the value.
    pub reason: String,
}
