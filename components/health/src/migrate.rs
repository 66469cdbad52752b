//! `POST /internal/migrate`: brings a database up to date that only the edge can reach. The
//! runner calls it until it succeeds. The front door passes no `/internal` path on, and the
//! runner's token is asked for all the same.

use axum::extract::State;
use domain::{Error, ErrorKind};
use ports::Platform;
use serde_json::{Value, json};
use store::migrations;
use web::{Bearer, Json, Outcome, new_uuid, same_secret, variable};

pub(crate) async fn migrate(
    State(platform): State<Platform>,
    Bearer(token): Bearer,
) -> Outcome<Json<Value>> {
    let expected = variable(&platform, "runner_token").await?;
    if expected.is_empty() || !same_secret(token.as_deref().unwrap_or_default(), &expected) {
        return Err(Error::new(ErrorKind::Unauthenticated, "Invalid runner token").into());
    }
    let holder = new_uuid(&platform).to_string();
    let applied = migrations::apply(&*platform.sql, platform.clock.now(), &holder).await?;
    Ok(Json(
        json!({ "migrations": applied.migrations, "statements": applied.statements }),
    ))
}
