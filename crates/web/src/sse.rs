//! Answers that are streams of server-sent events.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use contracts::Problem;
use futures::{Stream, StreamExt};
use http::{HeaderValue, header};
use std::{convert::Infallible, time::Duration};

/// A comment that keeps proxies from closing a silent stream.
pub const HEARTBEAT: Bytes = Bytes::from_static(b": \n\n");

/// How often it is sent.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

/// The answer that streams `events`, which are written out already.
pub fn answer(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Proxies that buffer by default let this stream through.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The event that ends a stream in place of what was asked for.
#[must_use]
pub fn error(problem: &Problem) -> Bytes {
    let data = contracts::to_json(problem);
    format!("event: error\ndata: {data}\n\n").into()
}
