//! Streams of server-sent events.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use contracts::Problem;
use futures::{Stream, StreamExt};
use http::{HeaderValue, header};
use std::convert::Infallible;

/// A comment that keeps proxies from closing a silent stream.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b": \n\n");

/// The answer that streams `events`.
pub(crate) fn answer(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    let cache = HeaderValue::from_static("no-cache, no-transform");
    headers.insert(header::CACHE_CONTROL, cache);
    // Proxies that buffer by default let this stream through.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The event that ends a stream in place of what was asked for.
pub(crate) fn error(problem: &Problem) -> Bytes {
    let data = contracts::to_json(problem);
    format!("event: error\ndata: {data}\n\n").into()
}
