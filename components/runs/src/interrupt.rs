//! `POST /sessions/{id}/interrupt`: whoever executes the session's run stops it.

use axum::extract::State;
use contracts::workspace::chat::Interrupted;
use http::StatusCode;
use ports::Platform;
use web::{Json, Outcome, OwnSession};

pub(crate) async fn interrupt(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
) -> Outcome<(StatusCode, Json<Interrupted>)> {
    let now = platform.clock.now();
    let interrupted = store::runs::interrupt(&*platform.sql, session.id, now).await?;
    let status = match interrupted {
        true => StatusCode::ACCEPTED,
        false => StatusCode::OK,
    };
    Ok((status, Json(Interrupted { interrupted })))
}
