//! Runs: turns of agents, from the user's message to their end.
//!
//! | module | what it is |
//! |---|---|
//! | `begin` | a message is stored and the runner asked to drive its run |
//! | `messages`, `turn` | `POST /chat/messages` of `workspace`, and what it answers |
//! | `agent_chats`, `ag_ui` | `POST /agent-chats` of `runtime`, and its events |
//! | `interrupt` | a turn is stopped |
//! | `titles` | a title from the first exchange |
//! | `export`, `search` | what was said, as a file, and found |
//! | `execute` | the runner has a run executed: `POST /internal/runs/{run}` |
//! | `record`, `watch` | an execution's steps, and its lease |
//! | `team`, `tools` | who works, and with what |
//!
//! Invariants: what was acknowledged is stored; a run is executed by one at a time, who stops when
//! nobody reads, when the lease is lost and when the session is gone.

mod ag_ui;
mod agent_chats;
mod begin;
mod default_model;
mod execute;
mod export;
mod interrupt;
mod messages;
mod record;
mod search;
mod sse;
mod stored;
mod team;
mod titles;
mod tools;
mod turn;
mod unfinished;
mod watch;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/chat/messages", post(messages::send))
        .route("/api/v1/agent-chats", post(agent_chats::chat))
        .route(
            "/api/v1/sessions/{session_id}/interrupt",
            post(interrupt::interrupt),
        )
        .route("/api/v1/sessions/{session_id}/export", get(export::export))
        .route("/api/v1/messages/search", get(search::search))
        .route("/internal/runs", get(unfinished::list))
        .route("/internal/runs/{run}", post(execute::execute))
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system().and_sql().and_http()
);
