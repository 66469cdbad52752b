//! `/v1/rooms`: publishing events into rooms, and who is in them.

use super::{Admin, extract::Given, refused::Refused};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use rooms::PublishError;
use runner_api::rooms::{Presence, Publish, Published};
use serde::Deserialize;
use std::{error::Error as StdError, sync::Arc};
use uuid::Uuid;

/// The largest publication's body, in bytes: JSON may need more than what is kept.
pub(super) const BODY: usize = 4 * 1024 * 1024;

/// The most events of one publication.
const EVENTS: usize = 256;

pub(super) async fn publish(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Json(Publish { events })): Given<Json<Publish>>,
) -> Result<Json<Published>, Refused> {
    if events.len() > EVENTS {
        let detail = format!("At most {EVENTS} events are published at a time.");
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let ids = admin.rooms.publish(session, events).await?;
    let ids = ids.iter().map(ToString::to_string).collect();
    Ok(Json(Published { ids }))
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    newest: bool,
}

/// The number of the newest event is told to whoever asks for it: it has no epoch, so the room is
/// a lasting one from then on, which others' rooms need not be.
pub(super) async fn presence(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
    Given(Query(asked)): Given<Query<Asked>>,
) -> Json<Presence> {
    let newest = match asked.newest {
        true => admin.rooms.newest(session).await.ok(),
        false => None,
    };
    let presence = admin.rooms.presence(session);
    Json(Presence {
        connections: presence.connections,
        users: presence.users,
        newest,
    })
}

/// The session is deleted: its readers are told so.
pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    Given(Path(session)): Given<Path<Uuid>>,
) -> Result<StatusCode, Refused> {
    let deleted = admin.rooms.delete(session).await;
    deleted.map_err(|error| {
        let error = &error as &dyn StdError;
        tracing::error!(error, %session, "a room cannot be removed");
        let detail = "The room's events could not be removed.";
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<PublishError> for Refused {
    fn from(error: PublishError) -> Self {
        let detail = error.to_string();
        match error {
            PublishError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            PublishError::Deleted => Self::new(StatusCode::CONFLICT, detail),
            PublishError::Stopping | PublishError::Full => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).again_in(1)
            }
            PublishError::Disk(source) => {
                let source = &source as &dyn StdError;
                tracing::error!(error = source, "events cannot be published");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}
