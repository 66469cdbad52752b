//! `/v1/runs`: `runner_api::runs`.

use super::{Admin, refused::Refused};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures::stream;
use runner_api::runs::Drive;
use std::{convert::Infallible, sync::Arc};
use tokio::sync::broadcast;

const NDJSON: &str = "application/x-ndjson";

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new().route("/v1/runs", post(drive))
}

async fn drive(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    Json(drive): Json<Drive>,
) -> Result<Response, Refused> {
    let lines = admin.runs.drive(drive).map_err(|_| {
        let detail = "Too many runs are waiting. Try again later";
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    if headers
        .get(header::ACCEPT)
        .is_none_or(|accept| accept != NDJSON)
    {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let body = stream::unfold(lines, async |mut lines: broadcast::Receiver<Bytes>| {
        // Whoever is too slow is told no more, rather than something with a hole in it.
        let line = lines.recv().await.ok()?;
        Some((Ok::<_, Infallible>(line), lines))
    });
    let mut response = Response::new(Body::from_stream(body));
    let kind = HeaderValue::from_static(NDJSON);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
