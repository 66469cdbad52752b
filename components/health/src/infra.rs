//! `GET /infra/health` of `runtime`: every part was asked just now.
//!
//! Anybody may ask, so what was found out is kept for two seconds: strangers cannot make the
//! platform knock at the model's door for each request of theirs.

use crate::probe::{self, Fault};
use axum::extract::State;
use contracts::health::{InfraHealth, ServiceHealth};
use futures::Future;
use ports::Platform;
use serde::{Deserialize, Serialize};
use web::{Json, Outcome};

const KEPT_UNDER: &str = "health:infra";
const KEPT_FOR_MS: i64 = 2_000;

/// What was found out, and when.
#[derive(Serialize, Deserialize)]
struct Kept {
    at: i64,
    health: InfraHealth,
}

pub(crate) async fn health(State(platform): State<Platform>) -> Outcome<Json<InfraHealth>> {
    let now = platform.clock.now();
    if let Some(kept) = kept(&platform).await
        && (0..KEPT_FOR_MS).contains(&(now - kept.at))
    {
        return Ok(Json(kept.health));
    }
    let kept = Kept {
        at: now,
        health: ask_all(&platform).await,
    };
    // A store that cannot keep it has just been found unhealthy: that is the answer.
    let _unkept = platform
        .key_value
        .set(KEPT_UNDER, contracts::to_json(&kept).into_bytes())
        .await;
    Ok(Json(kept.health))
}

async fn kept(platform: &Platform) -> Option<Kept> {
    let bytes = platform.key_value.get(KEPT_UNDER).await.ok()??;
    serde_json::from_slice(&bytes).ok()
}

async fn ask_all(platform: &Platform) -> InfraHealth {
    let (key_value, database, runner, model) = futures::join!(
        timed(platform, probe::key_value(platform)),
        timed(platform, probe::database(platform)),
        timed(platform, async { probe::runner(platform).await.map(drop) }),
        timed(platform, probe::model(platform)),
    );
    let redis = ServiceHealth {
        backend: Some("embedded".to_owned()),
        ..key_value
    };
    let services = [
        ("redis", redis),
        ("sqlite", database),
        ("sandbox_runner", runner),
        ("llm", model),
    ];
    let healthy = services.iter().all(|(_, service)| service.error.is_none());
    InfraHealth {
        status: probe::word(healthy).to_owned(),
        services: services
            .map(|(name, service)| (name.to_owned(), service))
            .into(),
    }
}

async fn timed(
    platform: &Platform,
    probe: impl Future<Output = Result<(), Fault>>,
) -> ServiceHealth {
    let began = platform.clock.now();
    let fault = probe::within(platform, probe).await.err();
    let took = platform.clock.now() - began;
    ServiceHealth {
        status: probe::word(fault.is_none()).to_owned(),
        latency_ms: took.max(0).unsigned_abs(),
        backend: None,
        error: fault.map(str::to_owned),
    }
}
