//! Sandboxes of sessions: `runner_api::sandboxes`.

use super::{Admin, extract::Given, refused::Refused};
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{delete, get, put},
};
use runner_api::sandboxes::{Destroyed, Launch, Launched, OfUser, Previews, Sandbox};
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route(
            "/v1/sandboxes/{session}",
            put(launch).get(status).delete(destroy),
        )
        .route("/v1/sandboxes/{session}/previews", get(previews))
        .route("/v1/sessions/{session}", delete(end_session))
        .route(
            "/v1/users/{user}/sandboxes",
            get(of_user).delete(destroy_all),
        )
}

async fn launch(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Json(body)): Given<Json<Launch>>,
) -> Result<Json<Launched>, Refused> {
    Ok(Json(admin.sandboxes.launch(session, &body).await?))
}

async fn status(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<Json<Sandbox>, Refused> {
    Ok(Json(admin.sandboxes.status(session)?))
}

async fn destroy(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<Json<Destroyed>, Refused> {
    let destroyed = admin.sandboxes.destroy(session).await?;
    Ok(Json(Destroyed {
        destroyed: u64::from(destroyed),
    }))
}

async fn end_session(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<Json<Destroyed>, Refused> {
    // Not cancelled with whoever asks: it is asked once.
    let ending = tokio::spawn(async move { end(&admin, session).await });
    let ended = ending.await.map_err(|error| Refused::internal(&error))?;
    Ok(Json(Destroyed {
        destroyed: u64::from(ended?),
    }))
}

/// The sandbox goes first: what it still changes would open the room anew. The room goes whatever
/// became of the sandbox: its readers are to learn that the session is gone. Whether there was a
/// sandbox.
async fn end(admin: &Admin, session: Uuid) -> Result<bool, Refused> {
    let destroyed = admin.sandboxes.destroy(session).await;
    let deleted = admin.rooms.delete(session).await;
    deleted.map_err(|error| Refused::internal(&error))?;
    match destroyed {
        // Where there are no sandboxes, there was none.
        Err(refused) if refused.is_unavailable() => Ok(false),
        destroyed => destroyed,
    }
}

async fn of_user(
    State(admin): State<Arc<Admin>>,
    Given(Path(user)): Given<Path<i64>>,
) -> Result<Json<OfUser>, Refused> {
    Ok(Json(OfUser {
        sandboxes: admin.sandboxes.of_user(user)?,
    }))
}

async fn destroy_all(
    State(admin): State<Arc<Admin>>,
    Given(Path(user)): Given<Path<i64>>,
) -> Result<Json<Destroyed>, Refused> {
    let destroyed = admin.sandboxes.destroy_all(user).await?;
    Ok(Json(Destroyed { destroyed }))
}

async fn previews(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<Json<Previews>, Refused> {
    let ports = admin.sandboxes.previews(session).await?;
    Ok(Json(Previews { ports }))
}
