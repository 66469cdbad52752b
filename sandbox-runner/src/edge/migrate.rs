//! Has the edge migrate its database, so that nobody need do it by hand.

use super::{AskError, Edge, EdgeState};
use crate::drain::Drain;
use http::StatusCode;
use std::{error::Error as StdError, sync::Arc, time::Duration};

const PATH: &str = "/internal/migrate";
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How much of the edge's reason goes to the log, in characters.
const REASON: usize = 500;

/// Why the database is not migrated yet. A reason is logged when it differs from the last.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Obstacle {
    Absent,
    Token,
    Refused(StatusCode),
    Broken,
}

/// Asks the edge to migrate until it has done so, and again after it was lost.
pub(crate) async fn keep_migrated(edge: Arc<Edge>, state: Arc<EdgeState>, drain: Drain) {
    let stopping = drain.stopping();
    let keeping = async {
        loop {
            until_migrated(&edge).await;
            state.found_migrated();
            state.lost.notified().await;
            tracing::info!("the edge was lost; asking it to migrate when it is back");
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = keeping => {}
    }
}

async fn until_migrated(edge: &Edge) {
    let mut wait = SHORTEST_WAIT;
    let mut met = None;
    while let Err(obstacle) = attempt(edge, met.as_ref()).await {
        met = Some(obstacle);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    tracing::info!("the edge's database is migrated");
}

/// One try. What is in the way is logged unless it is what was `met` before.
async fn attempt(edge: &Edge, met: Option<&Obstacle>) -> Result<(), Obstacle> {
    let answer = edge.post(PATH).await;
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
            tracing::error!(
                status = answer.status.as_u16(),
                reason,
                "the edge cannot migrate"
            );
        }
        (_, Err(error)) => {
            tracing::warn!(
                error = error as &dyn StdError,
                "asking the edge to migrate failed"
            );
        }
    }
    Err(obstacle)
}
