//! Coding sessions: "会话管理" of the `codex` document, and what its sockets say.
//!
//! | module | what it is |
//! |---|---|
//! | `sessions` | made, listed, shown, opened again, deleted |
//! | `addresses` | where a session and its events are |
//! | `submit` | what a client wants of a session, the same over HTTP and by socket |
//! | `socket` | `POST /internal/sockets/codex`: the runner passes on what was said on one |
//! | `patches` | patches that are applied: one that waits, or one that is given |
//! | `files` | what the session made of its files, and the way back |
//! | `pending` | what waits for an approval |
//!
//! Turns go on in the runner; `executor` executes them. Invariants: what was submitted is stored
//! before it is answered, and done once; nothing here waits for a turn to end.

mod addresses;
mod files;
mod patches;
mod pending;
mod sessions;
mod socket;
mod submit;

use axum::{
    Router,
    routing::{any, get, post},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/sessions", get(sessions::list).post(sessions::create))
        .route(
            "/api/sessions/{session_id}",
            get(sessions::show).delete(sessions::delete),
        )
        .route("/api/sessions/{session_id}/resume", post(sessions::resume))
        .route("/api/sessions/{session_id}/submit", post(submit::over_http))
        .route(
            "/api/sessions/{session_id}/apply_patch",
            post(patches::over_http),
        )
        .route("/api/sessions/{session_id}/diff", get(files::diff))
        .route("/api/sessions/{session_id}/undo", post(files::undo))
        .route("/api/sessions/{session_id}/events", any(web::elsewhere))
        .route("/internal/sockets/codex", post(socket::said))
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system().and_sql().and_http()
);
