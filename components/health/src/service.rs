//! Whether the service answers: `GET /health` of `runtime`, `GET /api/health` of `codex`.

use crate::probe;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::health::CodexHealth;
use domain::{Error, SessionKind};
use http::header;
use ports::Platform;
use web::{Json, Outcome};

/// No I/O: a load balancer asks this often.
pub(crate) async fn health() -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        r#"{"status":"ok"}"#,
    )
        .into_response()
}

pub(crate) async fn codex_health(State(platform): State<Platform>) -> Outcome<Json<CodexHealth>> {
    Ok(Json(in_codex_words(&platform).await?))
}

async fn in_codex_words(platform: &Platform) -> Result<CodexHealth, Error> {
    let sql = &*platform.sql;
    let (session_count, runner) = futures::join!(
        store::health::count_sessions(sql, SessionKind::Codex),
        probe::runner(platform)
    );
    Ok(CodexHealth {
        status: probe::word(runner.is_ok()).to_owned(),
        timestamp: platform.clock.now(),
        session_count: session_count?,
        uptime: runner.map_or(0, |runner| runner.uptime_seconds),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use contracts::health::Health;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn the_ready_made_body_is_the_contracts() {
        let body = health()
            .await
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        let parsed: Health = serde_json::from_slice(&body).unwrap();
        assert_eq!(contracts::to_json(&parsed).as_bytes(), body);
    }
}
