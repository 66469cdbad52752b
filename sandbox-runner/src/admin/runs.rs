//! `/v1/runs`: `runner_api::runs`.

use super::{Admin, extract::Given, refused::Refused};
use crate::ndjson;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures::stream;
use runner_api::runs::{Drive, Hearing};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::broadcast;

#[derive(Debug, Deserialize)]
struct Asked {
    only: Option<Only>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Only {
    End,
}

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new().route("/v1/runs", post(drive))
}

async fn drive(
    State(admin): State<Arc<Admin>>,
    Given(Query(asked)): Given<Query<Asked>>,
    headers: HeaderMap,
    Given(Json(drive)): Given<Json<Drive>>,
) -> Result<Response, Refused> {
    let heard = ndjson::is_wanted(&headers);
    let hearing = match asked.only {
        None => Hearing::Everything,
        Some(Only::End) => Hearing::End,
    };
    let lines = admin.runs.drive(drive, heard.then_some(hearing));
    let lines = lines.map_err(|_| {
        let detail = "Too many runs are waiting. Try again later";
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    let Some(lines) = lines else {
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    let body = stream::unfold(lines, async |mut lines: broadcast::Receiver<Bytes>| {
        // Whoever is too slow is told no more, rather than something with a hole in it.
        let line = lines.recv().await.ok()?;
        Some((line, lines))
    });
    Ok(ndjson::answer(body))
}
