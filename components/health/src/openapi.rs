//! `GET /api/openapi.json`.

use axum::response::{IntoResponse, Response};
use http::header;

/// Written by `build.rs` from the types of `contracts`.
const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

pub(crate) async fn document() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (headers, DOCUMENT).into_response()
}
