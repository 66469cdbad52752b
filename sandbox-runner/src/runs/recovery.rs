//! Runs that nobody drives: those that an earlier runner left, and those whose edge died before it
//! could ask.

use super::{Full, Runs};
use crate::{drain::Drain, edge::Edge};
use runner_api::runs::{Drive, UnfinishedRuns};
use std::{error::Error as StdError, sync::Arc, time::Duration};

const PATH: &str = "/internal/runs?unfinished";

/// How long before the start a run may have ended whose end an earlier runner did not tell, in
/// milliseconds.
const ENDED_WITHIN: u64 = 60 * 60 * 1000;

/// How long the edge may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Drives on what is unfinished, at the start and now and then.
pub(crate) async fn keep_driven(runs: Runs, edge: Arc<Edge>, drain: Drain) {
    let stopping = drain.stopping();
    let settings = runs.inner.settings.clone();
    // Whoever asked an earlier runner is not there any more: nothing is too young.
    let mut age = Duration::ZERO;
    let mut path = format!("{PATH}&ended_within={ENDED_WITHIN}");
    let mut failing = false;
    loop {
        let asked = tokio::select! {
            () = stopping.cancelled() => return,
            asked = drive_on(&runs, &edge, &path, age) => asked,
        };
        match asked {
            Ok(()) => {
                (age, failing) = (settings.age, false);
                PATH.clone_into(&mut path);
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::info!(error = &*error, "unfinished runs are not all driven on yet");
                }
            }
        }
        let wait = if failing {
            settings.shortest_wait
        } else {
            settings.period
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn drive_on(
    runs: &Runs,
    edge: &Edge,
    path: &str,
    age: Duration,
) -> Result<(), Box<dyn StdError + Send + Sync>> {
    let answer = edge.get(path, ANSWER).await?;
    if !answer.status.is_success() {
        return Err(format!("the edge answered {}", answer.status).into());
    }
    let unfinished: UnfinishedRuns = serde_json::from_slice(&answer.body)?;
    let old = |at: i64| at >= i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    for one in unfinished.runs.iter().filter(|one| old(one.age)) {
        let drive = Drive {
            run: one.run,
            session: one.session,
            user: one.user,
            executor: one.executor,
            room: one.room,
        };
        match runs.drive(drive, None) {
            // That user's own runs have to end first. Those of others are driven all the same.
            Ok(_) | Err(Full::OfUser) => {}
            Err(full @ Full::OfAll) => return Err(full.into()),
        }
    }
    Ok(())
}
