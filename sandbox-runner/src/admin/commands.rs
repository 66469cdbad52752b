//! Commands in sandboxes: `runner_api::commands`.

use super::{Admin, refused::Refused};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::stream;
use runner_api::commands::{Command, Commands, Exec, ExecEvent};
use serde::Deserialize;
use std::{convert::Infallible, sync::Arc, time::Duration};
use uuid::Uuid;

use crate::sandboxes::Followed;

const NDJSON: &str = "application/x-ndjson";

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
    Path(session): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<Exec>,
) -> Result<Response, Refused> {
    if headers
        .get(header::ACCEPT)
        .is_none_or(|accept| accept != NDJSON)
    {
        let output = admin.sandboxes.exec(session, body).await?;
        return Ok(Json(output).into_response());
    }
    let followed = admin.sandboxes.follow(session, body).await?;
    let lines = stream::unfold(followed, async |mut followed: Followed| {
        let event = followed.next().await?;
        Some((Ok::<_, Infallible>(line(&event)), followed))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let kind = HeaderValue::from_static(NDJSON);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn line(event: &ExecEvent) -> Bytes {
    // Text and numbers: writing it cannot fail.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

async fn spawn(
    State(admin): State<Arc<Admin>>,
    Path(session): Path<Uuid>,
    Json(body): Json<Exec>,
) -> Result<(StatusCode, Json<Command>), Refused> {
    let command = admin.sandboxes.spawn(session, body).await?;
    Ok((StatusCode::CREATED, Json(command)))
}

async fn list(
    State(admin): State<Arc<Admin>>,
    Path(session): Path<Uuid>,
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
    Path((session, id)): Path<(Uuid, u64)>,
    Query(query): Query<Waiting>,
) -> Result<Json<Command>, Refused> {
    let wait = Duration::from_secs(query.wait.min(LONGEST_WAIT));
    Ok(Json(admin.sandboxes.command(session, id, wait).await?))
}

async fn kill(
    State(admin): State<Arc<Admin>>,
    Path((session, id)): Path<(Uuid, u64)>,
) -> Result<Json<Command>, Refused> {
    Ok(Json(admin.sandboxes.kill(session, id).await?))
}
