//! Files of sandboxes: "Files" of the `workspace` document, and what changes them. The runner
//! reads and writes them and knows where a path leads; here is decided whose they are, and how a
//! browser is kept from taking an agent's file for a page of ours.

mod archive;
mod change;
mod disposition;
mod query;
mod read;
mod view;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route(
            "/api/v1/files/{session_id}",
            get(read::file).put(change::write).delete(change::delete),
        )
        .route("/api/v1/files/{session_id}/tree", get(read::tree))
        .route("/api/v1/files/{session_id}/stat", get(read::stat))
        .route("/api/v1/files/{session_id}/move", post(change::rename))
        .route(
            "/api/v1/files/{session_id}/directory",
            post(change::directory),
        )
        .route("/api/v1/files/{session_id}/archive", get(archive::archive))
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system().and_sql().and_http()
);
