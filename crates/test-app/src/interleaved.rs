//! Stores that give way before each call.
//!
//! The real ones mostly answer at once, so that requests that a test sends together would run
//! one after the other. Over these, the steps of all take turns.

use ports::{BoxFuture, KeyValue, KeyValueError, Row, Sql, SqlError, Value};
use std::sync::Arc;
use tokio::task::yield_now;

/// A store, and a pause before each use of it.
pub(crate) struct Interleaved<T: ?Sized>(pub(crate) Arc<T>);

impl Sql for Interleaved<dyn Sql> {
    fn execute<'a>(
        &'a self,
        statement: &'a str,
        parameters: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        Box::pin(async move {
            yield_now().await;
            self.0.execute(statement, parameters).await
        })
    }
}

impl KeyValue for Interleaved<dyn KeyValue> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async move {
            yield_now().await;
            self.0.get(key).await
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            yield_now().await;
            self.0.set(key, value).await
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            yield_now().await;
            self.0.delete(key).await
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a str,
        delta: i64,
    ) -> BoxFuture<'a, Result<i64, KeyValueError>> {
        Box::pin(async move {
            yield_now().await;
            self.0.increment(key, delta).await
        })
    }

    fn keys<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>> {
        Box::pin(async move {
            yield_now().await;
            self.0.keys(prefix).await
        })
    }
}
