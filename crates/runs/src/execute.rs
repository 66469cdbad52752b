//! The runner has a run executed, and reads what happens.
//!
//! The execution lives in the answer's body: a reader that leaves drops it where it stands. What
//! it was about to do is then done by the next one, from the stored steps.

use crate::{
    Toolbox, Workshop,
    answer::{Reader, WAITING, answer, told_again, written},
    held::{Held, give_back},
    record::Record,
    room::Room,
    stored,
    team::{self, Staff},
    titles,
    tokens::Tokens,
    toolbox::Nothing,
    watch::{self, LEASE_MS},
};
use agent::{Cost, Driven, End, Limits, Outcome as How, Reason, Run, Transcript, World};
use axum::{
    extract::State,
    response::Response,
    routing::{MethodRouter, post},
};
use bytes::Bytes;
use domain::{Error, ErrorKind, Millionths};
use futures::{
    SinkExt,
    channel::{mpsc, oneshot},
    future::{Either, pending, select},
};
use ports::Platform;
use runner_api::runs::{Ending, Execute, Line};
use std::{pin::pin, sync::Arc, time::Duration};
use store::runs::{self, Lease, Taken};
use uuid::Uuid;
use web::{Decoded, Outcome, Runner, UuidId, misread, new_uuid, setting, variable};

/// `POST …/{run}` of the runner: executes the run with the tools of `workshop`. The answer's body
/// is a stream of [`Line`]s; it is 404 where there is no such run, 409 while somebody else executes
/// it.
pub fn executing(workshop: &'static dyn Workshop) -> MethodRouter<Platform> {
    post(
        move |State(platform): State<Platform>,
              _: Runner,
              UuidId(run): UuidId,
              Decoded(asked): Decoded<Execute>| { execute(platform, run, asked, workshop) },
    )
}

async fn execute(
    platform: Platform,
    id: Uuid,
    asked: Execute,
    workshop: &'static dyn Workshop,
) -> Outcome<Response> {
    let sql = &*platform.sql;
    let (token, now) = (new_uuid(&platform).to_string(), platform.clock.now());
    let taken = runs::take(sql, id, &token, now, now + LEASE_MS).await?;
    let Some(taken) = taken else {
        return not_taken(platform, id, asked.seen, workshop).await;
    };
    let lease = Lease {
        run: taken.run.id,
        token,
    };
    let mut held = Held::of(&platform, lease);
    let (toolbox, ends) = open(&platform, &taken, workshop).await?;
    let Taken {
        run, is_to_stop, ..
    } = taken;
    held.toolbox = Some(Arc::clone(&toolbox));
    let slice = slice(&platform).await?;
    let limits = Limits {
        cost: cost(&platform).await?,
        ..toolbox.limits()
    };
    let staff = team::of(&platform, &run, &*toolbox).await?;
    let stored::Read {
        transcript,
        is_whole,
    } = stored::read(sql, &run).await?;
    let tokens = Tokens::of(sql, &run, &transcript, asked.seen, &staff.team).await?;
    let room = Arc::new(Room::of(&platform, &run, toolbox, tokens));
    let unreadable = || End::new(Reason::Unreadable, "what the run did so far cannot be read");
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
        room,
        ends: ends.or_else(|| (!is_whole).then(unreadable)),
        is_to_stop,
        seen: asked.seen,
        slice,
        entitles: titles::is_first(&transcript)
            && variable(&platform, "session_titles").await? != "false",
        limits,
    };
    let (sender, told) = mpsc::channel(WAITING);
    let working = execution.work(platform.clone(), transcript, sender);
    Ok(answer(platform, told, working))
}

/// The answer where the run is not to be executed.
async fn not_taken(
    platform: Platform,
    id: Uuid,
    seen: u64,
    workshop: &'static dyn Workshop,
) -> Outcome<Response> {
    let found = runs::find(&*platform.sql, id).await?;
    let run = found.ok_or_else(|| Error::not_found("There is no such run"))?;
    if run.status.is_final() {
        return told_again(platform, run, seen, workshop).await;
    }
    let detail = "Somebody else executes the run";
    Err(Error::new(ErrorKind::Conflict, detail).into())
}

/// The toolbox for a run. Where there can be none, how the run has to end: nobody could drive it on,
/// nor stop it.
async fn open(
    platform: &Platform,
    taken: &Taken,
    workshop: &dyn Workshop,
) -> Result<(Arc<dyn Toolbox>, Option<End>), Error> {
    let error = match workshop.open(platform, taken).await {
        Ok(toolbox) => return Ok((toolbox, None)),
        Err(error) => error,
    };
    let end = match error.kind() {
        ErrorKind::Refused => End::new(Reason::NoAgent, error.detail()),
        _ if runs::is_to_stop(&*platform.sql, taken.run.id).await? => {
            End::new(Reason::Interrupted, "the run was interrupted")
        }
        _ => return Err(error),
    };
    Ok((Arc::new(Nothing), Some(end)))
}

/// After how long an execution is put down, to be asked for again.
async fn slice(platform: &Platform) -> Result<Option<Duration>, Error> {
    let seconds = setting(platform, "run_slice").await?;
    let seconds = seconds.filter(|seconds| *seconds > 0);
    Ok(seconds.map(Duration::from_secs))
}

/// What a run may cost, in the unit of the models' prices.
async fn cost(platform: &Platform) -> Result<Option<Cost>, Error> {
    const NAME: &str = "run_cost_limit";
    let units = setting(platform, NAME).await?;
    let Some(units) = units.filter(|units| *units != 0.0) else {
        return Ok(None);
    };
    let most = Millionths::of_price(units).map_err(|reason| misread(NAME, reason))?;
    Ok(Some(Cost::from_micros(most.0.unsigned_abs())))
}

struct Execution {
    record: Record,
    held: Held,
    staff: Staff,
    room: Arc<Room>,
    /// How the run ends, where nobody can drive it.
    ends: Option<End>,
    /// Whether somebody asked for it to be stopped before.
    is_to_stop: bool,
    seen: u64,
    slice: Option<Duration>,
    /// Whether the session gets a title after its first exchange: this one, where the variable
    /// `session_titles` lets it.
    entitles: bool,
    limits: Limits,
}

impl Execution {
    /// Executes, and says at last how it ended; nothing where somebody has to go on.
    async fn work(
        mut self,
        platform: Platform,
        transcript: Transcript,
        mut sender: mpsc::Sender<Bytes>,
    ) {
        let reader = Reader {
            sender: sender.clone(),
            room: Arc::clone(&self.room),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let ends = self.ends.take();
        let world = World {
            client: llm::Client::new(platform.http.clone(), platform.clock.clone()),
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        };
        let run = Run {
            team: &self.staff.team,
            limits: self.limits,
            world: &world,
            record: &self.record,
            reader: &reader,
            transcript,
            seen: self.seen,
            slice: self.slice,
        };
        let interrupt = async {
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        let driven = {
            let driving = pin!(async {
                match ends {
                    None => run.drive(interrupt).await,
                    Some(end) => run.end(end).await.map(Driven::Ended),
                }
            });
            let (lease, is_to_stop) = (&self.held.lease, self.is_to_stop);
            let watching = pin!(watch::until_lost(&platform, lease, is_to_stop, stop));
            match select(driving, watching).await {
                Either::Left((driven, _)) => driven,
                // The end itself gives the lease up; it is still to be told.
                Either::Right(((), driving)) if self.record.has_ended() => driving.await,
                Either::Right(_) => return,
            }
        };
        self.held.is_given_back = self.record.has_ended();
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
                self.held.is_given_back = give_back(&platform, &self.held.lease).await;
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
        // Before anybody hears of the end: what comes after it may rely on what is given back.
        self.held.close().await;
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
        reason: end.reason.as_str().to_owned(),
        detail: end.detail.clone(),
    }
}
