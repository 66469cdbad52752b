//! Agents, model providers and models: sections 6 and 7 of the `studio` document, for
//! administrators alone. What is set here is what the agents of every contract use from their
//! next run on.
//!
//! Invariant: a provider's key comes in and goes out to the provider; no answer and no log line
//! has it.

mod agents;
mod executions;
mod models;
mod probe;
mod providers;

use axum::{
    Router,
    routing::{get, post},
};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/api/v1/agents", get(agents::list).post(agents::create))
        .route(
            "/api/v1/agents/{id}",
            get(agents::show).put(agents::change).delete(agents::delete),
        )
        .route("/api/v1/agents/{id}/executions", get(executions::list))
        .route(
            "/api/v1/model-providers",
            get(providers::list).post(providers::create),
        )
        .route(
            "/api/v1/model-providers/{id}",
            get(providers::show)
                .put(providers::change)
                .delete(providers::delete),
        )
        .route("/api/v1/model-providers/{id}/test", post(probe::test))
        .route("/api/v1/models", get(models::list).post(models::create))
        .route(
            "/api/v1/models/{id}",
            get(models::show).put(models::change).delete(models::delete),
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
