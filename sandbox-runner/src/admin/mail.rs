//! `POST /v1/mail`: takes a message, durably, to be sent soon.

use super::{Admin, problem::refused};
use crate::mail::{EnqueueError, Letter};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use std::{error::Error as StdError, sync::Arc};

#[derive(Debug, Serialize)]
struct Taken {
    id: String,
}

pub(super) async fn enqueue(
    State(admin): State<Arc<Admin>>,
    uri: Uri,
    letter: Result<Json<Letter>, JsonRejection>,
) -> Response {
    let letter = match letter {
        Ok(Json(letter)) => letter,
        Err(rejection) => return refused(rejection.status(), &rejection.body_text(), uri.path()),
    };
    match admin.mail.enqueue(letter).await {
        Ok(id) => (StatusCode::ACCEPTED, Json(Taken { id })).into_response(),
        Err(EnqueueError::Invalid(fault)) => refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            &fault.to_string(),
            uri.path(),
        ),
        Err(EnqueueError::Full) => {
            let detail = "Too many messages are waiting already.";
            let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, detail, uri.path());
            let wait = header::HeaderValue::from_static("30");
            response.headers_mut().insert(header::RETRY_AFTER, wait);
            response
        }
        Err(EnqueueError::Disk(error)) => {
            tracing::error!(error = &error as &dyn StdError, "cannot keep a message");
            let detail = "The message could not be stored.";
            refused(StatusCode::INTERNAL_SERVER_ERROR, detail, uri.path())
        }
    }
}
