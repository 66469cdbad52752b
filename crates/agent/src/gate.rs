//! Whose turn it is to ask a model: a provider may take only so many questions in a time.

use ports::BoxFuture;
use std::{fmt::Debug, time::Duration};

/// Lets questions to a model pass, one at a time. It is asked before each.
pub trait Gate: Debug + Send + Sync {
    /// Counts a question that may be asked now.
    fn pass(&self) -> BoxFuture<'_, Result<(), Wait>>;
}

/// A question has to wait, and was not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When it may be tried again, at the earliest.
    pub after: Duration,
    /// Why, in a sentence for readers.
    pub why: String,
}
