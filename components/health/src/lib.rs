//! Health in the words of each contract, the OpenAPI document, migrations over HTTP, and, being
//! the catch-all of `spin.toml`, the answer to paths that nobody serves or that the runner does.

mod infra;
mod migrate;
mod openapi;
mod probe;
mod service;

use axum::{Router, routing};
use ports::Platform;

/// Sockets: whoever asks the edge for one is told where it is.
const OF_THE_RUNNER: [&str; 4] = [
    "/api/ws/{*rest}",
    "/api/v1/ws/{*rest}",
    "/ws/{*rest}",
    "/api/sessions/{session_id}/events",
];

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    let router = Router::new()
        .route("/api/v1/health", routing::get(service::health))
        .route("/api/health", routing::get(service::codex_health))
        .route("/api/v1/infra/health", routing::get(infra::health))
        .route("/api/openapi.json", routing::get(openapi::document))
        .route("/internal/migrate", routing::post(migrate::migrate));
    OF_THE_RUNNER
        .into_iter()
        .fold(router, |router, path| {
            router.route(path, routing::any(web::elsewhere))
        })
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system()
        .and_sql()
        .and_key_value()
        .and_http()
);
