//! `POST /internal/files/sweep`: removes bytes whose file is gone. The runner calls it every
//! hour.

use axum::extract::State;
use ports::Platform;
use serde_json::{Value, json};
use web::{Json, Outcome, Runner};

pub(crate) async fn sweep(State(platform): State<Platform>, _: Runner) -> Outcome<Json<Value>> {
    let files = file_store::sweep(&platform).await?;
    Ok(Json(json!({ "files": files })))
}
