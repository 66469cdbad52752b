//! Asking the edge for what only the runner may ask, and saying once what is in the way.

use super::{AskError, Edge};
use http::StatusCode;
use std::error::Error as StdError;

/// How much of the edge's reason goes to the log, in characters.
const REASON: usize = 500;

/// Why the edge did not do it. A reason is logged when it differs from the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    Absent,
    Token,
    Refused(StatusCode),
    Broken,
}

/// One try. What is in the way is logged unless it is what was `met` before.
pub(super) async fn attempt(
    edge: &Edge,
    path: &'static str,
    met: Option<&Obstacle>,
) -> Result<(), Obstacle> {
    let answer = edge.post(path).await;
    let obstacle = match &answer {
        Ok(answer) if answer.status.is_success() => return Ok(()),
        Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => Obstacle::Token,
        Ok(answer) => Obstacle::Refused(answer.status),
        Err(AskError::Unreachable(_)) => Obstacle::Absent,
        Err(_) => Obstacle::Broken,
    };
    if met == Some(&obstacle) {
        return Err(obstacle);
    }
    match (&obstacle, &answer) {
        (Obstacle::Absent, _) => {
            tracing::info!(edge = %edge.authority, "waiting for the edge");
        }
        (Obstacle::Token, _) => tracing::error!(
            "the edge refuses the runner's token: its variable runner_token and \
             RUNNER_TOKEN here must be the same"
        ),
        (_, Ok(answer)) => {
            let reason: String = String::from_utf8_lossy(&answer.body)
                .chars()
                .take(REASON)
                .collect();
            let status = answer.status.as_u16();
            tracing::error!(path, status, reason, "the edge cannot do it");
        }
        (_, Err(error)) => {
            let error = error as &dyn StdError;
            tracing::warn!(path, error, "asking the edge failed");
        }
    }
    Err(obstacle)
}
