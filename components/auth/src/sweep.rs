//! `POST /internal/sweep`: removes counters, codes and logins that ended. The runner calls it
//! every hour.

use axum::extract::State;
use ports::Platform;
use serde_json::{Value, json};
use web::{Json, Outcome, Runner, limits};

pub(crate) async fn sweep(State(platform): State<Platform>, _: Runner) -> Outcome<Json<Value>> {
    let now = platform.clock.now();
    let counters = limits::sweep(&*platform.key_value, now).await?;
    let rows = store::sweep::sweep(&*platform.sql, now).await?;
    Ok(Json(json!({ "counters": counters, "rows": rows })))
}
