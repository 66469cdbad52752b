//! `GET /api/openapi.json`.

use axum::response::{IntoResponse, Response};
use domain::Error;
use http::header;
use web::Outcome;

/// Written by `build.rs` from the types of `contracts`, and deflated: as it is it would be a fifth
/// of the component.
const DEFLATED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.deflate"));

/// How large the document may be, in bytes.
const LARGEST: usize = 4 << 20;

pub(crate) async fn document() -> Outcome<Response> {
    let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(DEFLATED, LARGEST);
    let document = inflated.map_err(|error| Error::internal(format!("the document: {error:?}")))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    Ok((headers, document).into_response())
}
