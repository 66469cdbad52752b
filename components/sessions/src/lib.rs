//! Sessions: for now the conversations of the open `chat` contract.

mod conversations;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route(
            "/api/v1/conversations",
            routing::post(conversations::create),
        )
        .route(
            "/api/v1/conversations/{conversation_id}",
            routing::get(conversations::by_id),
        )
        .route(
            "/api/v1/users/{user_id}/conversations",
            routing::get(conversations::of_user),
        )
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(crate::router, platform_spin::Ports::system().and_sql());
