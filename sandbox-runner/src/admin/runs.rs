//! `/v1/runs`: `runner_api::runs`.

use super::{Admin, extract::Given, refused::Refused};
use crate::{ndjson, runs::Full};
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

/// After how many seconds somebody who has too many may ask again: turns take their time.
const AGAIN: u32 = 10;

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
    let lines = lines.map_err(refused)?;
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

fn refused(full: Full) -> Refused {
    match full {
        Full::OfAll => {
            let detail = "Too many runs are waiting. Try again later";
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
        Full::OfUser => {
            let detail = "You have as many turns under way as you may. Wait for one to end";
            Refused::new(StatusCode::TOO_MANY_REQUESTS, detail).again_in(AGAIN)
        }
    }
}
