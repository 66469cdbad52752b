//! ComfyUI services, sections 3 and 4 of the `studio` document: services, which everybody sees
//! and administrators change, and workflows, which belong to their owners. Administrators see
//! all workflows; to everybody else those of others are not there.
//!
//! Invariants: a workflow's JSON is kept as it was given, and changed only by whoever may, one
//! version after the other; a service is asked only at the address that an administrator gave.

mod asking;
mod probe;
mod services;
mod workflows;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route(
            "/api/v1/services",
            get(services::list).post(services::create),
        )
        .route(
            "/api/v1/services/{id}",
            get(services::show)
                .put(services::change)
                .delete(services::delete),
        )
        .route("/api/v1/services/{id}/test", post(probe::test))
        .route("/internal/services/probe", post(probe::probe_all))
        .merge(workflows::routes())
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
