//! Answers that tell what happens as it happens: JSON, a line each.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use futures::{Stream, StreamExt as _};
use serde::Serialize;
use std::convert::Infallible;

const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// What is told, as a line.
pub(crate) fn line(told: &impl Serialize) -> Bytes {
    // Text, numbers and flags: writing it cannot fail.
    let mut line = serde_json::to_vec(told).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// Whether whoever asks wants lines.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|accept| *accept == NDJSON)
}

/// An answer of these lines.
pub(crate) fn answer(lines: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(lines.map(Ok::<_, Infallible>)));
    response.headers_mut().insert(header::CONTENT_TYPE, NDJSON);
    response
}
