//! The edge as a runner needs it: it lets everybody in, and nothing ever ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// How long a token lasts.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A played edge, ended when it is dropped.
pub(super) struct Edge {
    pub(super) address: SocketAddr,
    serving: AbortHandle,
}

impl Edge {
    /// Starts one on a free port.
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let done = async || Json(json!({}));
        let router = Router::new()
            .route("/internal/migrate", post(done))
            .route("/internal/sweep", post(done))
            .route("/internal/rooms/enter", post(enter))
            .route(
                "/internal/logins/ended",
                post(async || Json(json!({"logins": []}))),
            )
            .route(
                "/internal/sandboxes/unowned",
                post(async || Json(json!({"sessions": []}))),
            )
            .with_state(Arc::default());
        let serving = tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self {
            address,
            serving: serving.abort_handle(),
        })
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Everybody is somebody else: what one user may have is not what is measured.
async fn enter(State(entered): State<Arc<AtomicI64>>, Json(asked): Json<Value>) -> Json<Value> {
    let number = entered.fetch_add(1, Ordering::Relaxed) + 1;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ends = now.unwrap_or_default() + DAY;
    let expires_at = i64::try_from(ends.as_millis()).unwrap_or(i64::MAX);
    Json(json!({
        "session": asked.get("session"),
        "user": number,
        "login": number,
        "expires_at": expires_at,
    }))
}
