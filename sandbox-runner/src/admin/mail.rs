//! `POST /v1/mail`: takes a message, durably, to be sent soon.

use super::{Admin, extract::Given, refused::Refused};
use crate::mail::{EnqueueError, Letter};
use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use std::{error::Error as StdError, sync::Arc};

#[derive(Debug, Serialize)]
pub(super) struct Taken {
    id: String,
}

pub(super) async fn enqueue(
    State(admin): State<Arc<Admin>>,
    Given(Json(letter)): Given<Json<Letter>>,
) -> Result<(StatusCode, Json<Taken>), Refused> {
    let id = admin.mail.enqueue(letter).await?;
    Ok((StatusCode::ACCEPTED, Json(Taken { id })))
}

impl From<EnqueueError> for Refused {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Invalid(fault) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, fault.to_string())
            }
            EnqueueError::Full => {
                let detail = "Too many messages are waiting already.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).again_in(30)
            }
            EnqueueError::Disk(error) => {
                tracing::error!(error = &error as &dyn StdError, "cannot keep a message");
                let detail = "The message could not be stored.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}
