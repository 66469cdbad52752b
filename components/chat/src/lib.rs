//! The open chat: conversations, and answers streamed straight from the model to the reader.
//!
//! Invariant: an answer belongs to nobody's connection. It is written by a task of its own,
//! which ends it in the database whether or not anybody still reads.

mod answering;
mod context;
mod conversations;
mod model;
mod open_chat;
mod sse;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/conversations", routing::post(conversations::create))
        .route("/api/v1/conversations/{conversation_id}", routing::get(conversations::by_id))
        .route("/api/v1/users/{user_id}/conversations", routing::get(conversations::of_user))
        .route("/api/v1/chat", routing::post(open_chat::send))
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(crate::router);
