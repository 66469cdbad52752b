//! Users: those of the open `chat` contract, and the accounts of `runtime` and `studio`.

mod by_name;
mod open_users;
mod own;

use axum::{Router, routing};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/users", routing::post(open_users::create))
        .route(
            "/api/v1/users/me",
            routing::get(own::show)
                .patch(own::patch)
                .put(own::put)
                .delete(own::delete),
        )
        .route("/api/v1/users/{username}", routing::get(by_name::show))
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
