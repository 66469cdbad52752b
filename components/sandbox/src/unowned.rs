//! `POST /internal/sandboxes/unowned`: the runner asks which of its sandboxes' sessions are gone,
//! and destroys those. Where that cannot be found out, it is told so and destroys nothing.

use axum::extract::State;
use domain::Error;
use ports::Platform;
use runner_api::edge::Sessions;
use web::{Decoded, Json, Outcome, Runner};

/// The most sessions that are asked about at once.
const MOST: usize = 1_000;

pub(crate) async fn unowned(
    State(platform): State<Platform>,
    _: Runner,
    Decoded(asked): Decoded<Sessions>,
) -> Outcome<Json<Sessions>> {
    if asked.sessions.len() > MOST {
        let message = format!("must be at most {MOST}");
        return Err(Error::invalid_field("sessions", message).into());
    }
    let sessions = store::sessions::gone(&*platform.sql, &asked.sessions).await?;
    Ok(Json(Sessions { sessions }))
}
