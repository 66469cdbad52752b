//! The open chat: answers streamed straight from the model to the reader.
//!
//! Invariant: an answer belongs to nobody's connection. It is written by a task of its own,
//! which ends it in the database whether or not anybody still reads.

mod answering;
mod context;
mod model;
mod open_chat;
mod tokens;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/chat", routing::post(open_chat::send))
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
