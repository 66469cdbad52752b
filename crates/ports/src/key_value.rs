//! The key-value store.

use crate::BoxFuture;

/// How many keys [`KeyValue::keys`] gives at most.
pub const KEYS_MOST: usize = 10_000;

/// A store of small values under text keys. Values do not expire: a counter's time window
/// belongs into its key.
pub trait KeyValue: Send + Sync {
    /// The value under `key`.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>>;

    /// Stores `value` under `key`, replacing what was there.
    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>>;

    /// Removes `key`; a missing one is no error.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>>;

    /// Adds `delta` to the counter under `key` (a missing one counts as 0) and returns the sum,
    /// correct under concurrency. Only ever use it on keys that no [`KeyValue::set`] writes.
    fn increment<'a>(
        &'a self,
        key: &'a str,
        delta: i64,
    ) -> BoxFuture<'a, Result<i64, KeyValueError>>;

    /// Keys that begin with `prefix`, at most [`KEYS_MOST`] of them and in no order: for
    /// clearing up, not for looking things up. A store may read all of its keys for it.
    fn keys<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>>;
}

/// The store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key-value store: {0}")]
pub struct KeyValueError(pub String);
