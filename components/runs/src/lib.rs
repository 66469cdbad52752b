//! What people ask of runs: to begin one with a message, to stop it, and to read what was said.
//! They are executed elsewhere.
//!
//! | module | what it is |
//! |---|---|
//! | `messages`, `turn`, `frames` | `POST /chat/messages` of `workspace`, and what it answers |
//! | `agent_chats`, `ag_ui` | `POST /agent-chats` of `runtime`, and its events |
//! | `branches` | messages are answered again, or edited, and a branch is chosen |
//! | `interrupt` | a turn is stopped |
//! | `export`, `search` | what was said, as a file, and found |

mod ag_ui;
mod agent_chats;
mod branches;
mod export;
mod frames;
mod interrupt;
mod messages;
mod search;
mod turn;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// A path below a message of a session.
macro_rules! message {
    ($rest:literal) => {
        concat!(
            "/api/v1/sessions/{session_id}/messages/{message_id}/",
            $rest
        )
    };
}

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/chat/messages", post(messages::send))
        .route("/api/v1/agent-chats", post(agent_chats::chat))
        .route(
            "/api/v1/sessions/{session_id}/interrupt",
            post(interrupt::interrupt),
        )
        .route(message!("regenerate"), post(branches::regenerate))
        .route(message!("edit"), post(branches::edit))
        .route(message!("select"), post(branches::select))
        .route(message!("siblings"), get(branches::siblings))
        .route("/api/v1/sessions/{session_id}/export", get(export::export))
        .route("/api/v1/messages/search", get(search::search))
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system().and_sql().and_http()
);
