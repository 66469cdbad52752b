//! Users: for now those of the open `chat` contract.

mod open_users;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/users", routing::post(open_users::create))
        .route(
            "/api/v1/users/{username}",
            routing::get(open_users::by_name),
        )
        .fallback(web::not_found)
        .with_state(platform)
}

#[cfg(target_family = "wasm")]
platform_spin::component!(crate::router, platform_spin::Ports::system().and_sql());
