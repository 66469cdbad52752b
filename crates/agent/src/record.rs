//! What the loop asks of those who run it: to keep its steps, and to pass on its events.

use crate::{Batch, Step};
use domain::Error;
use ports::BoxFuture;

/// Keeps the steps of a run. An error ends the run at once, unfinished: it can be driven on later.
pub trait Record: Send + Sync {
    /// Stores a step. When it resolves, the step survives a crash. `output` is the whole output of
    /// a call, where the step shows only parts of it.
    ///
    /// A number that is taken must be an error: somebody else drives the run.
    fn store<'a>(
        &'a self,
        step: &'a Step,
        output: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Replaces the step of that number, which is a [`crate::Body::Started`] with a longer draft.
    fn draft<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), Error>>;

    /// The whole output of a call of this session that was stored with [`Record::store`].
    fn output<'a>(&'a self, call_id: &'a str) -> BoxFuture<'a, Result<Option<String>, Error>>;

    /// Takes what only the operator may know of a fault.
    fn log(&self, fault: &str);
}

/// Whoever is told what happens. Waiting here holds the run back.
pub trait Reader: Send + Sync {
    /// Passes a batch on.
    fn tell(&self, batch: Batch) -> BoxFuture<'_, Result<(), Gone>>;
}

/// The reader is no longer there. The run stops at once, unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader of the run has gone")]
pub struct Gone;
