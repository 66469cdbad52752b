//! `GET /internal/runs?unfinished`: the runner asks what it has to drive on. With `ended_within`
//! also the runs that ended in so many milliseconds: their end may not have been told.

use axum::extract::State;
use ports::Platform;
use runner_api::runs::{Executor, UnfinishedRun, UnfinishedRuns};
use web::{Json, Outcome, Parameters, Runner, filter, whole_number};

/// The most runs that are listed at once.
const MOST: i64 = 1_000;

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: Runner,
    parameters: Parameters,
) -> Outcome<Json<UnfinishedRuns>> {
    let now = platform.clock.now();
    let within = filter(&parameters, "ended_within", whole_number)?;
    let ended = within.map(|within| now.saturating_sub(within));
    let found = store::runs::unfinished(&*platform.sql, ended, MOST).await?;
    let runs = found.into_iter().map(|one| UnfinishedRun {
        run: one.run,
        session: one.session,
        user: one.user.0,
        executor: Executor::of(one.kind),
        room: one.room,
        age: now.saturating_sub(one.created_at),
    });
    Ok(Json(UnfinishedRuns {
        runs: runs.collect(),
    }))
}
