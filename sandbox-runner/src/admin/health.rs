//! `GET /v1/health`: how the runner is, and what it stands on.

use super::Admin;
use axum::{Json, extract::State};
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    uptime_seconds: u64,
    version: &'static str,
    edge: EdgeHealth,
    mail: MailHealth,
    sandboxes: SandboxHealth,
}

#[derive(Debug, Serialize)]
struct SandboxHealth {
    /// `docker` or `namespace`, if there is one.
    backend: Option<&'static str>,
    /// Why there is none.
    unavailable: Option<String>,
    running: usize,
    pooled: usize,
}

#[derive(Debug, Serialize)]
struct EdgeHealth {
    reachable: bool,
    migrated: bool,
}

#[derive(Debug, Serialize)]
struct MailHealth {
    queued: u64,
    failed: u64,
    transport: &'static str,
}

pub(super) async fn health(State(admin): State<Arc<Admin>>) -> Json<Health> {
    let reachable = admin.edge.is_reachable().await;
    let counts = admin.mail.counts();
    let sandboxes = admin.sandboxes.counts();
    let backend = admin.sandboxes.backend();
    Json(Health {
        status: "ok",
        uptime_seconds: admin.started.elapsed().as_secs(),
        version: env!("CARGO_PKG_VERSION"),
        edge: EdgeHealth {
            reachable,
            migrated: admin.edge_state.is_migrated(),
        },
        mail: MailHealth {
            queued: counts.queued,
            failed: counts.failed,
            transport: admin.mail.transport(),
        },
        sandboxes: SandboxHealth {
            unavailable: backend.as_ref().err().map(ToString::to_string),
            backend: backend.ok(),
            running: sandboxes.running,
            pooled: sandboxes.pooled,
        },
    })
}
