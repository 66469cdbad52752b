//! `POST /internal/runs/{run}`: the runner has a run executed, and reads what happens.
//!
//! The execution lives in the answer's body: a reader that leaves drops it where it stands. What
//! it was about to do is then done by the next one, from the stored steps.

use crate::{
    record::Record,
    stored,
    team::{self, Staff},
    titles,
    watch::{self, LEASE_MS},
};
use agent::{Batch, Driven, End, Gone, Limits, Outcome as How, Reason, Run, World};
use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use domain::{Error, ErrorKind};
use futures::{
    SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{Either, pending, select},
    stream,
};
use http::{HeaderValue, header};
use ports::{BoxFuture, Platform};
use runner_api::runs::{Batch as Told, Ending, Execute, Line};
use std::{convert::Infallible, pin::pin, time::Duration};
use store::runs::{self, Lease, StoredRun};
use web::{Decoded, Outcome, Runner, UuidId, new_uuid, variable};

/// How many lines wait for a slow reader.
const WAITING: usize = 16;

/// How often the reader hears that the execution is there.
const BEAT: Duration = Duration::from_secs(1);

pub(crate) async fn execute(
    State(platform): State<Platform>,
    _: Runner,
    UuidId(id): UuidId,
    Decoded(asked): Decoded<Execute>,
) -> Outcome<Response> {
    let sql = &*platform.sql;
    let (token, now) = (new_uuid(&platform).to_string(), platform.clock.now());
    let taken = runs::take(sql, id, &token, now, now + LEASE_MS).await?;
    let found = runs::find(sql, id).await?;
    let run = found.ok_or_else(|| Error::not_found("There is no such run"))?;
    if !taken {
        return not_taken(&run);
    }
    let lease = Lease { run: run.id, token };
    let held = Held {
        platform: platform.clone(),
        lease,
    };
    let slice = slice(&platform).await?;
    let staff = team::of(&platform, &run).await?;
    let transcript = stored::transcript(sql, &run).await?;
    let execution = Execution {
        record: Record::new(
            &platform,
            run,
            held.lease.clone(),
            staff.numbers.clone(),
            &transcript,
        ),
        held,
        staff,
        transcript,
        seen: asked.seen,
        slice,
        entitles: variable(&platform, "session_titles").await? != "false",
    };
    Ok(ndjson(Body::from_stream(lines(platform, execution))))
}

/// Somebody else executes it, or it has ended.
fn not_taken(run: &StoredRun) -> Outcome<Response> {
    if !run.status.is_final() {
        let detail = "Somebody else executes the run";
        return Err(Error::new(ErrorKind::Conflict, detail).into());
    }
    let line = Line {
        end: Some(Ending {
            outcome: run.status.as_str().to_owned(),
            reason: run.reason.clone().unwrap_or_default(),
            detail: run.detail.clone().unwrap_or_default(),
        }),
        ..Line::default()
    };
    Ok(ndjson(Body::from(written(&line))))
}

fn ndjson(body: Body) -> Response {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// After how long an execution is put down, to be asked for again: the variable `run_slice`.
async fn slice(platform: &Platform) -> Result<Option<Duration>, Error> {
    let text = variable(platform, "run_slice").await?;
    match text.as_str() {
        "" | "0" => Ok(None),
        text => match text.parse() {
            Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
            Err(error) => Err(
                Error::new(ErrorKind::Unavailable, "The service is not configured")
                    .caused_by(format!("variable `run_slice`: {error}")),
            ),
        },
    }
}

/// The lease of an execution; given back when the execution is dropped.
struct Held {
    platform: Platform,
    lease: Lease,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (platform, lease) = (self.platform.clone(), self.lease.clone());
        self.platform.tasks.spawn(Box::pin(async move {
            if let Err(error) = runs::release(&*platform.sql, &lease).await {
                // It runs out by itself.
                eprintln!("run {}: lease not given back: {error}", lease.run.0);
            }
        }));
    }
}

struct Execution {
    record: Record,
    held: Held,
    staff: Staff,
    transcript: agent::Transcript,
    seen: u64,
    slice: Option<Duration>,
    /// Whether sessions get titles: the variable `session_titles`.
    entitles: bool,
}

/// The lines of an execution, and a beat when nothing else came for a second.
fn lines(
    platform: Platform,
    execution: Execution,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let (sender, told) = mpsc::channel(WAITING);
    let working = stream::once(execution.work(platform.clone(), sender));
    let working = working.filter_map(|()| std::future::ready(None));
    let all = Box::pin(stream::select(told, working));
    stream::unfold(all, move |mut all| {
        let beat = platform.clock.sleep(BEAT);
        async move {
            let line = match select(all.next(), beat).await {
                Either::Left((line, _)) => line?,
                Either::Right(_) => written(&Line {
                    beat: true,
                    ..Line::default()
                }),
            };
            Some((Ok(line), all))
        }
    })
}

impl Execution {
    /// Executes, and says at last how it ended; nothing where somebody has to go on.
    async fn work(self, platform: Platform, mut sender: mpsc::Sender<Bytes>) {
        let reader = Reader {
            sender: sender.clone(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let world = World {
            client: llm::Client::new(platform.http.clone(), platform.clock.clone()),
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        };
        let run = Run {
            team: &self.staff.team,
            limits: Limits::default(),
            world: &world,
            record: &self.record,
            reader: &reader,
            transcript: self.transcript.clone(),
            seen: self.seen,
            slice: self.slice,
        };
        let interrupt = async {
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        let driven = {
            let driving = pin!(run.drive(interrupt));
            let watching = pin!(watch::until_lost(&platform, &self.held.lease, stop));
            match select(driving, watching).await {
                Either::Left((driven, _)) => driven,
                Either::Right(_) => return,
            }
        };
        let last = match driven {
            Ok(Driven::Ended(end)) => {
                self.entitle(&platform);
                Line {
                    end: Some(ending(&end)),
                    ..Line::default()
                }
            }
            Ok(Driven::Paused) => {
                // Before the reader comes again.
                if let Err(error) = runs::release(&*platform.sql, &self.held.lease).await {
                    eprintln!(
                        "run {}: lease not given back: {error}",
                        self.record.run.uuid
                    );
                }
                Line {
                    goes_on: true,
                    ..Line::default()
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                eprintln!("run {}: {error}: {cause}", self.record.run.uuid);
                return;
            }
        };
        // A reader that has left finds out by asking again.
        let _ = sender.send(written(&last)).await;
    }
}

impl Execution {
    /// Has a title made after the first exchange, beside everything else.
    fn entitle(&self, platform: &Platform) {
        if let (Some(lead), true) = (self.staff.team.agents().first(), self.entitles) {
            let (run, model) = (self.record.run.clone(), lead.model.clone());
            let making = titles::entitle(platform.clone(), run, model);
            platform.tasks.spawn(Box::pin(making));
        }
    }
}

fn ending(end: &End) -> Ending {
    let outcome = match end.reason.outcome() {
        How::Succeeded => "succeeded",
        How::Failed => "failed",
        How::Cancelled => "cancelled",
    };
    Ending {
        outcome: outcome.to_owned(),
        reason: word(end.reason),
        detail: end.detail.clone(),
    }
}

fn word(reason: Reason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Whoever reads the answer's body.
struct Reader {
    sender: mpsc::Sender<Bytes>,
}

impl agent::Reader for Reader {
    fn tell(&self, batch: Batch) -> BoxFuture<'_, Result<(), Gone>> {
        let mut sender = self.sender.clone();
        Box::pin(async move {
            let events = batch.events.iter().map(serde_json::to_value);
            let line = Line {
                room: batch
                    .events
                    .iter()
                    // The runner's watch tells of files, and of what tools write at once.
                    .filter(|event| !matches!(event.kind, agent::Kind::FileChange { .. }))
                    .filter_map(agent::Event::to_domain)
                    .collect(),
                batch: Some(Told {
                    step: batch.step,
                    events: events.collect::<Result<_, _>>().map_err(|_| Gone)?,
                }),
                ..Line::default()
            };
            sender.send(written(&line)).await.map_err(|_| Gone)
        })
    }
}

fn written(line: &Line) -> Bytes {
    let mut line = contracts::to_json(line);
    line.push('\n');
    line.into()
}
