//! Sandboxes of sessions: `runner_api::sandboxes`.

use super::{Admin, refused::Refused};
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
    Path(session): Path<Uuid>,
    Json(body): Json<Launch>,
) -> Result<Json<Launched>, Refused> {
    Ok(Json(admin.sandboxes.launch(session, &body).await?))
}

async fn status(
    State(admin): State<Arc<Admin>>,
    Path(session): Path<Uuid>,
) -> Result<Json<Sandbox>, Refused> {
    Ok(Json(admin.sandboxes.status(session)?))
}

async fn destroy(
    State(admin): State<Arc<Admin>>,
    Path(session): Path<Uuid>,
) -> Result<Json<Destroyed>, Refused> {
    let destroyed = admin.sandboxes.destroy(session).await?;
    Ok(Json(Destroyed {
        destroyed: u64::from(destroyed),
    }))
}

/// The sandbox goes first: what it still changes would open the room anew.
async fn end_session(
    State(admin): State<Arc<Admin>>,
    Path(session): Path<Uuid>,
) -> Result<Json<Destroyed>, Refused> {
    let destroyed = match admin.sandboxes.destroy(session).await {
        Ok(destroyed) => destroyed,
        // Where there are no sandboxes, there is a room all the same.
        Err(refused) if refused.is_unavailable() => false,
        Err(refused) => return Err(refused),
    };
    let deleted = admin.rooms.delete(session).await;
    deleted.map_err(|error| Refused::internal(&error))?;
    Ok(Json(Destroyed {
        destroyed: u64::from(destroyed),
    }))
}

async fn of_user(
    State(admin): State<Arc<Admin>>,
    Path(user): Path<i64>,
) -> Result<Json<OfUser>, Refused> {
    Ok(Json(OfUser {
        sandboxes: admin.sandboxes.of_user(user)?,
    }))
}

async fn destroy_all(
    State(admin): State<Arc<Admin>>,
    Path(user): Path<i64>,
) -> Result<Json<Destroyed>, Refused> {
    let destroyed = admin.sandboxes.destroy_all(user).await?;
    Ok(Json(Destroyed { destroyed }))
}

async fn previews(
    State(admin): State<Arc<Admin>>,
    Path(session): Path<Uuid>,
) -> Result<Json<Previews>, Refused> {
    let ports = admin.sandboxes.previews(session).await?;
    Ok(Json(Previews { ports }))
}
