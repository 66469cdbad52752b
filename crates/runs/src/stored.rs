//! Steps as the database keeps them, and as agents know them.

use agent::{Body, Step, Transcript};
use domain::{Error, Role};
use ports::Sql;
use store::{
    messages,
    runs::StoredRun,
    steps::{self, StoredStep},
};
use uuid::Uuid;

/// What is stored of a run and of those before it, as much of it as can be read.
pub(super) struct Read {
    /// The transcript. What cannot be read of earlier runs is a notice in it; of the run itself,
    /// everything is left out from there on.
    pub(super) transcript: Transcript,
    /// Whether all of the run itself could be read.
    pub(super) is_whole: bool,
}

/// The transcript of `run` and of those before it, as much of it as can be read.
///
/// # Errors
/// What a failed statement means.
pub async fn transcript(sql: &dyn Sql, run: &StoredRun) -> Result<Transcript, Error> {
    Ok(read(sql, run).await?.transcript)
}

/// The same, and whether it is all there is.
pub(super) async fn read(sql: &dyn Sql, run: &StoredRun) -> Result<Read, Error> {
    let found = steps::up_to(sql, run.id).await?;
    let earlier = found.earlier.iter().map(|step| {
        parse(run, step)
            .unwrap_or_else(|| notice(step, "A step of this conversation cannot be read."))
    });
    let earlier = earlier.collect();
    let mut own: Vec<Step> = Vec::new();
    for step in &found.run {
        match parse(run, step) {
            Some(step) => own.push(step),
            None => break,
        }
    }
    let is_whole = own.len() == found.run.len();
    if let (true, Some(first)) = (own.is_empty(), found.run.first()) {
        own.push(beginning(sql, run, first).await?);
    }
    // The number of the next step is that after the last, whether that one can be read or not.
    let left_out = found.run.get(own.len()..).and_then(<[StoredStep]>::last);
    own.extend(left_out.map(|last| notice(last, "What this turn did cannot be read.")));
    let transcript = Transcript::new(earlier, own).map_err(Error::internal)?;
    Ok(Read {
        transcript,
        is_whole,
    })
}

fn parse(run: &StoredRun, step: &StoredStep) -> Option<Step> {
    match serde_json::from_str(&step.body) {
        Ok(body) => Some(Step {
            body,
            ..place(step)
        }),
        Err(error) => {
            eprintln!(
                "run {}: step {} cannot be read: {error}",
                run.uuid, step.number
            );
            None
        }
    }
}

/// What stands where a step cannot be read.
fn notice(step: &StoredStep, text: &str) -> Step {
    Step {
        agent: None,
        thread: None,
        body: Body::Notice {
            text: text.to_owned(),
        },
        ..place(step)
    }
}

/// The step without what happened in it.
fn place(step: &StoredStep) -> Step {
    Step {
        number: step.number.unsigned_abs(),
        at: step.at,
        agent: step.agent.clone(),
        thread: step.thread.clone(),
        body: Body::Resumed,
    }
}

/// The beginning of a run whose first step cannot be read: its message is known besides.
async fn beginning(sql: &dyn Sql, run: &StoredRun, step: &StoredStep) -> Result<Step, Error> {
    let messages = messages::of_run(sql, run.uuid).await?;
    let said = messages
        .into_iter()
        .find(|message| message.role == Role::User);
    let (message_id, text) = said.map_or_else(
        || (Uuid::nil(), String::new()),
        |message| (message.uuid, message.content),
    );
    let body = Body::User {
        run_id: run.uuid,
        message_id,
        text,
    };
    Ok(Step {
        body,
        ..place(step)
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
