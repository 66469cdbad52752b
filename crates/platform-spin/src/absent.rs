//! Ports that a component was not given.
//!
//! What a component does not ask for is not linked into it either: half of a small component
//! would be ports that it never uses.

use bytes::Bytes;
use http::{Request, Response};
use ports::{
    BoxFuture, ByteStream, Http, HttpError, KeyValue, KeyValueError, Row, Sql, SqlError, Value,
};
use std::future::ready;

const REASON: &str = "the component was not given this port";

/// In the place of a port that was not given: every call fails.
pub(crate) struct Absent;

impl Sql for Absent {
    fn execute<'a>(
        &'a self,
        _: &'a str,
        _: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        Box::pin(ready(Err(SqlError::Failed(REASON.to_owned()))))
    }
}

impl Http for Absent {
    fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<ByteStream>, HttpError>> {
        Box::pin(ready(Err(HttpError::Denied(REASON.to_owned()))))
    }
}

impl KeyValue for Absent {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(ready(Err(absent())))
    }

    fn set<'a>(&'a self, _: &'a str, _: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(ready(Err(absent())))
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(ready(Err(absent())))
    }

    fn increment<'a>(&'a self, _: &'a str, _: i64) -> BoxFuture<'a, Result<i64, KeyValueError>> {
        Box::pin(ready(Err(absent())))
    }

    fn keys<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>, KeyValueError>> {
        Box::pin(ready(Err(absent())))
    }
}

fn absent() -> KeyValueError {
    KeyValueError(REASON.to_owned())
}
