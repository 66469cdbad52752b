//! The runner's own interface, for the edge and the operator. Everything needs the token.

mod blobs;
mod checkpoints;
mod comfy;
mod commands;
mod extract;
mod files;
mod health;
mod mail;
mod problem;
mod refused;
mod rooms;
mod runs;
mod sandboxes;

pub(crate) use refused::Refused;

use crate::{
    blobs::Blobs,
    comfy::Comfy,
    edge::{Edge, EdgeState},
    mail::Mail,
    metrics::{Gauges, Metrics},
    runs::Runs,
    sandboxes::SessionSandboxes,
    token::Token,
};
use ::rooms::Rooms;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use problem::refused;
use std::{sync::Arc, time::Instant};

/// The largest request body, in bytes. A message's text is at most a quarter of it.
const BODY: usize = 256 * 1024;

/// What the interface shows and does.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) token: Token,
    pub(crate) started: Instant,
    pub(crate) edge: Arc<Edge>,
    pub(crate) edge_state: Arc<EdgeState>,
    pub(crate) mail: Mail,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sandboxes: Arc<SessionSandboxes>,
    pub(crate) rooms: Rooms,
    pub(crate) runs: Runs,
    pub(crate) blobs: Blobs,
    pub(crate) comfy: Comfy,
}

/// The routes of the interface.
pub(crate) fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/v1/health", get(health::health))
        .route("/v1/mail", post(mail::enqueue))
        .route(
            "/v1/rooms/{session}",
            get(rooms::presence).delete(rooms::delete),
        )
        .route(
            "/v1/rooms/{session}/events",
            post(rooms::publish).layer(DefaultBodyLimit::max(rooms::BODY)),
        )
        .route("/metrics", get(metrics))
        .merge(comfy::routes())
        .merge(checkpoints::routes())
        .merge(commands::routes())
        .merge(runs::routes())
        .merge(sandboxes::routes())
        .fallback(async |uri: Uri| refused(StatusCode::NOT_FOUND, "Nothing is here.", uri.path()))
        .method_not_allowed_fallback(async |uri: Uri| {
            refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not with this method.",
                uri.path(),
            )
        })
        .layer(DefaultBodyLimit::max(BODY))
        // What is written is streamed, and limited where it arrives.
        .merge(files::routes().layer(DefaultBodyLimit::disable()))
        .merge(blobs::routes())
        .layer(from_fn(refused::name_instance))
        .layer(from_fn_with_state(admin.clone(), only_with_token))
        .with_state(admin)
}

async fn only_with_token(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Response {
    let presented = request.headers().get(header::AUTHORIZATION);
    if presented.is_some_and(|value| admin.token.is_borne_by(value)) {
        return next.run(request).await;
    }
    let detail = "The runner's token is missing or wrong.";
    let mut response = refused(StatusCode::UNAUTHORIZED, detail, request.uri().path());
    let scheme = header::HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    response
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let text = admin.metrics.render(&Gauges {
        uptime_seconds: admin.started.elapsed().as_secs(),
        mail: admin.mail.counts(),
        migrated: admin.edge_state.is_migrated(),
        rooms: admin.rooms.counts(),
        runs: admin.runs.count(),
        sandboxes: admin.sandboxes.counts(),
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
