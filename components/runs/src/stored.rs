//! Steps as the database keeps them, and as agents know them.

use agent::{Body, Step, Transcript};
use domain::Error;
use ports::Sql;
use store::{
    runs::StoredRun,
    steps::{self, StoredStep},
};

/// The transcript of `run` and of those before it.
pub(super) async fn transcript(sql: &dyn Sql, run: &StoredRun) -> Result<Transcript, Error> {
    let found = steps::up_to(sql, run.session, run.id).await?;
    let read = |steps: Vec<StoredStep>| steps.into_iter().map(read).collect::<Result<_, _>>();
    Transcript::new(read(found.earlier)?, read(found.run)?).map_err(Error::internal)
}

fn read(step: StoredStep) -> Result<Step, Error> {
    let number = u64::try_from(step.number).map_err(Error::internal)?;
    Ok(Step {
        number,
        at: step.at,
        agent: step.agent,
        thread: step.thread,
        body: serde_json::from_str(&step.body).map_err(Error::internal)?,
    })
}

/// The step as it is to be stored.
pub(super) fn stored(step: &Step) -> Result<StoredStep, Error> {
    Ok(StoredStep {
        number: number(step)?,
        at: step.at,
        agent: step.agent.clone(),
        thread: step.thread.clone(),
        kind: kind(&step.body).to_owned(),
        body: body(&step.body)?,
    })
}

/// The step's number.
pub(super) fn number(step: &Step) -> Result<i64, Error> {
    i64::try_from(step.number).map_err(Error::internal)
}

/// A body as JSON.
pub(super) fn body(body: &Body) -> Result<String, Error> {
    serde_json::to_string(body).map_err(Error::internal)
}

/// The name of a body's kind, which the database's triggers know.
fn kind(body: &Body) -> &'static str {
    match body {
        Body::User { .. } => "user",
        Body::Paused => "paused",
        Body::Resumed => "resumed",
        Body::Started { .. } => "started",
        Body::Answer(_) => "answer",
        Body::Result(_) => "result",
        Body::Notice { .. } => "notice",
        Body::Compaction { .. } => "compaction",
        Body::Ended(_) => "ended",
    }
}
