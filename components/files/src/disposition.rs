//! Bytes that agents wrote, on our origin: a browser stores them and runs none of them.
//!
//! Invariant: whatever the runner says of the bytes, only lengths, ranges and dates are believed.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, header};
use web::attachment;

/// What is passed on of the runner's headers.
const PASSED: [HeaderName; 5] = [
    header::ACCEPT_RANGES,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LAST_MODIFIED,
];

/// `bytes` as a file to be stored under `name`.
pub(crate) fn as_download(bytes: Response, name: &str) -> Response {
    let (mut parts, body) = bytes.into_parts();
    let said = std::mem::take(&mut parts.headers);
    for name in PASSED {
        if let Some(value) = said.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    let set = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "private, no-store, no-transform"),
    ];
    for (name, value) in set {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    parts.extensions.clear();
    parts
        .headers
        .insert(header::CONTENT_DISPOSITION, attachment(name));
    Response::from_parts(parts, Body::new(body))
}
