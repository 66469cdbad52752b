//! Chats: the open one, answered straight from the model, and turns of agents, which are runs.
//!
//! Invariant: an answer belongs to nobody's connection. It is written by a task of its own,
//! which ends it in the database whether or not anybody still reads.

mod answering;
mod context;
mod model;
mod open_chat;
mod runs;
mod sse;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/chat", routing::post(open_chat::send))
        .route("/api/v1/chat/messages", routing::post(runs::messages::send))
        .route(
            "/api/v1/agent-chats",
            routing::post(runs::agent_chats::chat),
        )
        .route(
            "/api/v1/sessions/{session_id}/interrupt",
            routing::post(runs::interrupt::interrupt),
        )
        .route("/internal/runs", routing::get(runs::unfinished::list))
        .route(
            "/internal/runs/{run}",
            routing::post(runs::execute::execute),
        )
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
