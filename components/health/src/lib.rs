//! Health in the words of each contract, the OpenAPI document, migrations over HTTP, and, being
//! the catch-all of `spin.toml`, the answer to paths that nobody serves.

mod infra;
mod migrate;
mod openapi;
mod probe;
mod service;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/health", routing::get(service::health))
        .route("/api/health", routing::get(service::codex_health))
        .route("/api/v1/infra/health", routing::get(infra::health))
        .route("/api/openapi.json", routing::get(openapi::document))
        .route("/internal/migrate", routing::post(migrate::migrate))
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
