//! Sessions and who may enter their rooms: those of accounts, in the words of `workspace` (chats of
//! `runtime` too) and `studio`, and the conversations of the open `chat` contract.
//!
//! Whoever talks to the agent of a studio session does so here as well: its path is shared.
//!
//! Tickets and the question which logins are over are here and not in `auth`: that component
//! hashes passwords, and a flood of logins must neither keep a page from its socket nor a socket
//! from being closed.

mod conversations;
mod gateway;
mod messages;
mod rooms;
mod studio;
mod studio_chat;
mod tickets;
mod workspace;

use axum::{
    Router,
    routing::{any, get, post},
};
use ports::Platform;

/// The component's routes, in one chain: merging routers costs it ten kilobytes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/sessions", get(gateway::list).post(gateway::create))
        .route(
            "/api/v1/sessions/{session_id}",
            get(workspace::show)
                .patch(workspace::rename)
                .delete(workspace::delete),
        )
        .route(
            "/api/v1/sessions/{session_id}/messages",
            get(messages::list).post(studio_chat::send),
        )
        .route("/api/v1/sessions/{session_id}/events", any(web::elsewhere))
        .route("/api/v1/chat/messages/{session_id}", get(messages::list))
        .route("/api/v1/auth/tickets", post(tickets::create))
        .route("/internal/rooms/enter", post(rooms::enter))
        .route("/internal/sockets/studio", post(studio_chat::said))
        .route("/internal/logins/ended", post(rooms::ended_logins))
        .route("/api/v1/conversations", post(conversations::create))
        .route(
            "/api/v1/conversations/{conversation_id}",
            get(conversations::by_id),
        )
        .route(
            "/api/v1/users/{user_id}/conversations",
            get(conversations::of_user),
        )
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(
    crate::router,
    platform_spin::Ports::system().and_sql().and_http()
);
