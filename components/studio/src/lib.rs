//! The execution of runs of `studio`, whose agent edits and runs the ComfyUI workflow of its
//! session. The runner drives them.
//!
//! | module | what it is |
//! |---|---|
//! | `desk` | what the tools of a run share: the workflow, its service |
//! | `lock` | the lock on the workflow, and who is told of it |
//! | `tools` | the tools |
//! | `runnable` | a workflow as its service takes it |
//! | `following`, `telling` | how far a service is, and what of it the user is told |
//! | `outputs` | what a workflow made becomes files |
//!
//! Invariant: a run works on the one workflow that its session is about, on the service that the
//! workflow's row names, and nowhere else.

mod desk;
mod following;
mod lock;
mod outputs;
mod runnable;
mod telling;
mod tools;
mod workshop;

use axum::Router;
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route(
            "/internal/studio/runs/{run}",
            runs::executing(&workshop::Studio),
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
