//! The execution of runs whose agents work in a sandbox: those of `workspace`, `runtime` and
//! `codex`. The runner drives them.
//!
//! | module | what it is |
//! |---|---|
//! | `unfinished` | `GET /internal/runs?unfinished` |
//! | `sandbox` | the toolbox of a run |
//! | `tools` | the tools |
//! | `desk` | the toolbox of a run in a coding session, and its tools |

mod desk;
mod sandbox;
mod tools;
mod unfinished;

use axum::{Router, routing::get};
use ports::Platform;

/// The component's routes.
pub fn router(platform: Platform) -> Router {
    Router::new()
        .route("/internal/runs", get(unfinished::list))
        .route("/internal/runs/{run}", runs::executing(&sandbox::InSandbox))
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
