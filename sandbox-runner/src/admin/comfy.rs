//! `/v1/comfy`: `runner_api::comfy`.

use super::{Admin, extract::Given, refused::Refused};
use crate::{
    comfy::{Listening, NotOpened},
    ndjson,
};
use axum::{Json, Router, extract::State, http::StatusCode, response::Response, routing::post};
use futures::stream;
use outbound::Refused as NoConnection;
use runner_api::comfy::Follow;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new().route("/v1/comfy/follow", post(follow))
}

async fn follow(
    State(admin): State<Arc<Admin>>,
    Given(Json(follow)): Given<Json<Follow>>,
) -> Result<Response, Refused> {
    let listening = admin.comfy.follow(&follow.url).await?;
    let lines = stream::unfold(listening, async |mut listening: Listening| {
        let said = listening.next().await?;
        Some((ndjson::line(&said), listening))
    });
    Ok(ndjson::answer(lines))
}

impl From<NotOpened> for Refused {
    fn from(error: NotOpened) -> Self {
        tracing::debug!(%error, "a socket of a ComfyUI service is not open");
        let (status, detail) = match &error {
            NotOpened::Address => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "The service's address is no address of a socket",
            ),
            NotOpened::Connect(NoConnection::Private { .. }) => (
                StatusCode::FORBIDDEN,
                "The service's address is not allowed",
            ),
            NotOpened::NoPlace => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many services are listened to. Try again later",
            ),
            NotOpened::Late => (
                StatusCode::GATEWAY_TIMEOUT,
                "The service's socket was not open in time",
            ),
            NotOpened::Connect(_) | NotOpened::Tls(_) | NotOpened::Handshake(_) => (
                StatusCode::BAD_GATEWAY,
                "The service's socket cannot be opened",
            ),
        };
        Self::new(status, detail)
    }
}
