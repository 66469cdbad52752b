//! `GET /api/openapi.json`.

use axum::response::{IntoResponse, Response};
use http::header;
use std::sync::OnceLock;

/// The document never changes while a program runs: it is written once an instance.
static DOCUMENT: OnceLock<String> = OnceLock::new();

pub(crate) async fn document() -> Response {
    let document = DOCUMENT.get_or_init(|| contracts::to_json(&contracts::openapi::document()));
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "max-age=300")];
    (headers, document.as_str()).into_response()
}
