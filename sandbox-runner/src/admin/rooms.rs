//! `/v1/rooms`: publishing events into rooms, and who is in them.

use super::{Admin, problem::refused};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use rooms::PublishError;
use runner_api::rooms::{Presence, Publish, Published};
use std::{error::Error as StdError, sync::Arc};
use uuid::Uuid;

/// The largest publication's body, in bytes: JSON may need more than what is kept.
pub(super) const BODY: usize = 4 * 1024 * 1024;

/// The most events of one publication.
const EVENTS: usize = 256;

pub(super) async fn publish(
    State(admin): State<Arc<Admin>>,
    uri: Uri,
    Path(session): Path<String>,
    publish: Result<Json<Publish>, JsonRejection>,
) -> Response {
    let Ok(session) = session.parse::<Uuid>() else {
        return no_session(&uri);
    };
    let Publish { events } = match publish {
        Ok(Json(publish)) => publish,
        Err(rejection) => return refused(rejection.status(), &rejection.body_text(), uri.path()),
    };
    if events.len() > EVENTS {
        let detail = format!("At most {EVENTS} events are published at a time.");
        return refused(StatusCode::UNPROCESSABLE_ENTITY, &detail, uri.path());
    }
    match admin.rooms.publish(session, events).await {
        Ok(ids) => {
            let ids = ids.iter().map(ToString::to_string).collect();
            Json(Published { ids }).into_response()
        }
        Err(error) => not_published(&error, &uri),
    }
}

pub(super) async fn presence(
    State(admin): State<Arc<Admin>>,
    uri: Uri,
    Path(session): Path<String>,
) -> Response {
    let Ok(session) = session.parse::<Uuid>() else {
        return no_session(&uri);
    };
    let presence = admin.rooms.presence(session);
    Json(Presence {
        connections: presence.connections,
        users: presence.users,
    })
    .into_response()
}

/// The session is deleted: its readers are told so.
pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    uri: Uri,
    Path(session): Path<String>,
) -> Response {
    let Ok(session) = session.parse::<Uuid>() else {
        return no_session(&uri);
    };
    match admin.rooms.delete(session).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let error = &error as &dyn StdError;
            tracing::error!(error, %session, "a room cannot be removed");
            let detail = "The room's events could not be removed.";
            refused(StatusCode::INTERNAL_SERVER_ERROR, detail, uri.path())
        }
    }
}

fn not_published(error: &PublishError, uri: &Uri) -> Response {
    let status = match error {
        PublishError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        PublishError::Deleted => StatusCode::CONFLICT,
        PublishError::Stopping | PublishError::Full => StatusCode::SERVICE_UNAVAILABLE,
        PublishError::Disk(source) => {
            let source = source as &dyn StdError;
            tracing::error!(error = source, "events cannot be published");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let mut response = refused(status, &error.to_string(), uri.path());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let wait = header::HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

fn no_session(uri: &Uri) -> Response {
    let detail = "A session is named by its UUID.";
    refused(StatusCode::NOT_FOUND, detail, uri.path())
}
