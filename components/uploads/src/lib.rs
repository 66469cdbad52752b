//! Files of section 8 of the `studio` document: pictures of people, the list of what people
//! uploaded and what their workflows made, and the bytes of all that. (Workflows that are
//! uploaded belong to the component that knows workflows.)
//!
//! Invariants: a file is its owner's; whoever else reads it has an address that was signed for
//! it; no browser runs anything that it reads here.

mod avatar;
mod content;
mod list;
mod picture;
mod sweep;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// The component's routes. Those of sandboxes' files, `/api/v1/files/{session}/…`, are another
/// component's: so files have a segment of their own.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/files", get(list::list))
        .route("/api/v1/files/avatar", post(avatar::upload))
        .route("/api/v1/files/avatar/{key}", get(avatar::show))
        .route(
            "/api/v1/files/stored/{id}",
            get(list::show).delete(list::delete),
        )
        .route("/api/v1/files/stored/{id}/content", get(content::read))
        .route("/internal/files/sweep", post(sweep::sweep))
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
