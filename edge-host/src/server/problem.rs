//! The host's own answers: problem documents.

use crate::pool::{NotStarted, Overloaded};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// A whole body.
pub(super) type Body = Full<Bytes>;

/// A problem document about `path`.
pub(super) fn response(status: StatusCode, detail: &str, path: &str) -> Response<Body> {
    let document = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "instance": path,
    });
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    response
}

/// What a component's failure is to its client.
pub(super) fn meaning(error: &wasmtime::Error) -> (StatusCode, &'static str) {
    if error.is::<Overloaded>() {
        let detail = "Too many requests wait for the component.";
        return (StatusCode::SERVICE_UNAVAILABLE, detail);
    }
    if error.is::<NotStarted>() {
        let detail = "The component cannot be started at the moment.";
        return (StatusCode::SERVICE_UNAVAILABLE, detail);
    }
    match error.downcast_ref::<ErrorCode>() {
        Some(
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout,
        ) => (
            StatusCode::GATEWAY_TIMEOUT,
            "An upstream did not answer in time.",
        ),
        Some(ErrorCode::HttpRequestBodySize(_)) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.")
        }
        Some(ErrorCode::InternalError(_) | ErrorCode::ConfigurationError) | None => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The component failed. The log has the reason under this request's id.",
        ),
        Some(_) => (StatusCode::BAD_GATEWAY, "An upstream failed."),
    }
}
