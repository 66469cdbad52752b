//! Sandboxes, the commands in them, and where their servers can be seen: "Sandbox Management" of
//! the `workspace` document. The runner holds the sandboxes; here is decided whose they are.

mod commands;
mod events;
mod exec;
mod lifecycle;
mod preview;
mod unowned;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/sandbox/launch", post(lifecycle::launch))
        .route("/api/v1/sandbox/destroy", post(lifecycle::destroy))
        .route("/api/v1/sandbox/destroy_all", post(lifecycle::destroy_all))
        .route("/api/v1/sandbox/exec", post(exec::exec))
        .route("/api/v1/sandbox/preview/{session_id}", get(preview::show))
        .route("/api/v1/sandbox/{session_id}", get(lifecycle::show))
        .route(
            "/api/v1/sandbox/{session_id}/commands",
            get(commands::list).post(commands::start),
        )
        .route(
            "/api/v1/sandbox/{session_id}/commands/{command}",
            get(commands::show).delete(commands::kill),
        )
        .route("/internal/sandboxes/unowned", post(unowned::unowned))
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system().and_sql().and_http()
);
