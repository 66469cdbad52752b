//! `POST /internal/migrate`: brings a database up to date that only the edge can reach. The
//! runner calls it until it succeeds.

use axum::extract::State;
use ports::Platform;
use serde_json::{Value, json};
use store::migrations;
use web::{Json, Outcome, Runner, new_uuid};

pub(crate) async fn migrate(State(platform): State<Platform>, _: Runner) -> Outcome<Json<Value>> {
    let holder = new_uuid(&platform).to_string();
    let applied = migrations::apply(&*platform.sql, platform.clock.now(), &holder).await?;
    Ok(Json(
        json!({ "migrations": applied.migrations, "statements": applied.statements }),
    ))
}
