//! `GET /internal/runs?unfinished`: the runner asks what it has to drive on.

use axum::extract::State;
use ports::Platform;
use runner_api::runs::{UnfinishedRun, UnfinishedRuns};
use web::{Json, Outcome, Runner};

/// The most runs that are listed at once.
const MOST: i64 = 1_000;

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: Runner,
) -> Outcome<Json<UnfinishedRuns>> {
    let now = platform.clock.now();
    let found = store::runs::unfinished(&*platform.sql, MOST).await?;
    let runs = found.into_iter().map(|one| UnfinishedRun {
        run: one.run,
        session: one.session,
        age: now.saturating_sub(one.created_at),
    });
    Ok(Json(UnfinishedRuns {
        runs: runs.collect(),
    }))
}
