//! Commands in sandboxes: `runner_api::commands`.

use super::{Admin, extract::Given, refused::Refused};
use crate::{ndjson, sandboxes::Followed};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::stream;
use runner_api::commands::{Command, Commands, Exec};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How long a request may wait for a command's end.
const LONGEST_WAIT: u64 = 600;

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/v1/sandboxes/{session}/exec", post(exec))
        .route("/v1/sandboxes/{session}/commands", post(spawn).get(list))
        .route(
            "/v1/sandboxes/{session}/commands/{id}",
            get(show).delete(kill),
        )
}

async fn exec(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    headers: HeaderMap,
    Given(Json(body)): Given<Json<Exec>>,
) -> Result<Response, Refused> {
    if !ndjson::is_wanted(&headers) {
        let output = admin.sandboxes.exec(session, body).await?;
        return Ok(Json(output).into_response());
    }
    let followed = admin.sandboxes.follow(session, body).await?;
    let lines = stream::unfold(followed, async |mut followed: Followed| {
        let event = followed.next().await?;
        Some((ndjson::line(&event), followed))
    });
    Ok(ndjson::answer(lines))
}

async fn spawn(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Json(body)): Given<Json<Exec>>,
) -> Result<(StatusCode, Json<Command>), Refused> {
    let command = admin.sandboxes.spawn(session, body).await?;
    Ok((StatusCode::CREATED, Json(command)))
}

async fn list(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<Json<Commands>, Refused> {
    let commands = admin.sandboxes.commands(session).await?;
    Ok(Json(Commands { commands }))
}

#[derive(Debug, Deserialize)]
struct Waiting {
    #[serde(default)]
    wait: u64,
}

async fn show(
    State(admin): State<Arc<Admin>>,
    Given(Path((session, id))): Given<Path<(Uuid, u64)>>,
    Given(Query(query)): Given<Query<Waiting>>,
) -> Result<Json<Command>, Refused> {
    let wait = Duration::from_secs(query.wait.min(LONGEST_WAIT));
    Ok(Json(admin.sandboxes.command(session, id, wait).await?))
}

async fn kill(
    State(admin): State<Arc<Admin>>,
    Given(Path((session, id))): Given<Path<(Uuid, u64)>>,
) -> Result<Json<Command>, Refused> {
    Ok(Json(admin.sandboxes.kill(session, id).await?))
}
