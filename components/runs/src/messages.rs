//! `POST /chat/messages`: a message to the team, answered when the turn is done, or as it goes.

use crate::{
    frames::Frames,
    turn::{self, Ended},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::{Contract, Problem, workspace::chat::MessageCreate};
use domain::{Error, Session, SessionKind, Timestamp};
use futures::{
    StreamExt,
    future::{Either, select},
    stream,
};
use http::HeaderMap;
use ports::Platform;
use runner_api::{RunLines, runs::Hearing};
use store::sessions::{Scope, find};
use uuid::Uuid;
use web::{Json, Outcome, SignedBody, asks_for, sse};

const PATH: &str = "/api/v1/chat/messages";

/// The kinds of sessions that the team answers.
const KINDS: [SessionKind; 2] = [SessionKind::Workspace, SessionKind::Codex];

pub(crate) async fn send(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<MessageCreate>,
) -> Outcome<Response> {
    let user = signed_in.account.id;
    let scope = Scope::of(user, &KINDS);
    let session = find(&*platform.sql, scope, body.session_id).await?;
    let session = session.ok_or_else(|| Error::not_found("Session not found"))?;
    let (text, hearing) = (&body.content, Some(hearing(&headers)));
    let begun = runs::begin(&platform, &headers, &session, user, text, hearing).await?;
    answer(platform, &headers, session, begun).await
}

/// What is to be heard of a run to answer as the request's headers want it.
pub(super) fn hearing(headers: &HeaderMap) -> Hearing {
    match asks_for(headers, "text/event-stream") {
        true => Hearing::Everything,
        false => Hearing::End,
    }
}

/// The turn when it is done, or its events as they happen, as the request's headers want it.
pub(super) async fn answer(
    platform: Platform,
    headers: &HeaderMap,
    session: Session,
    begun: runs::Begun,
) -> Outcome<Response> {
    if asks_for(headers, "text/event-stream") {
        return Ok(sse::answer(as_stream(platform, session, begun)));
    }
    if let Some(mut lines) = begun.lines {
        // What they say is in the database, or goes on there.
        while let Some(Ok(_)) = lines.next().await {}
    }
    let ended = turn::ended(&platform, &session, begun.run).await?;
    match ended.fault {
        Some(fault) => Err(fault.into()),
        None => Ok(Json(ended.turn).into_response()),
    }
}

/// A stream of a run's events.
struct Telling {
    platform: Platform,
    session: Session,
    run: Uuid,
    /// The runner tells; none any more when the database has the end, or will have it.
    lines: Option<RunLines>,
    frames: Frames,
    over: bool,
}

/// The session's events as they happen, and the turn at the end.
fn as_stream(
    platform: Platform,
    session: Session,
    begun: runs::Begun,
) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    // Where nothing can be heard, all of it is missing.
    let lines = begun.lines.unwrap_or_else(|| stream::empty().boxed());
    let telling = Telling {
        frames: Frames::new(&session, begun.run),
        platform,
        session,
        run: begun.run,
        lines: Some(lines),
        over: false,
    };
    stream::unfold(telling, async |mut telling| {
        let piece = telling.next().await?;
        Some((piece, telling))
    })
}

impl Telling {
    async fn next(&mut self) -> Option<Bytes> {
        let mut heartbeat = self.platform.clock.sleep(sse::HEARTBEAT_EVERY);
        while let Some(lines) = &mut self.lines {
            let line = match select(lines.next(), &mut heartbeat).await {
                Either::Left((line, _)) => line,
                Either::Right(_) => return Some(sse::HEARTBEAT),
            };
            let now = Timestamp(self.platform.clock.now());
            match line {
                Some(Ok(line)) if line.end.is_none() => {
                    let frames = self.frames.of(line, now);
                    if !frames.is_empty() {
                        return Some(frames.into());
                    }
                }
                Some(Ok(_)) => self.lines = None,
                // This reader is too slow, or whoever told is gone.
                None | Some(Err(_)) => {
                    self.lines = None;
                    return Some(self.frames.cut_off(now).into());
                }
            }
        }
        if self.over {
            return None;
        }
        let ended = Box::pin(turn::ended(&self.platform, &self.session, self.run));
        let ended = match select(ended, heartbeat).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => return Some(sse::HEARTBEAT),
        };
        self.over = true;
        Some(match ended {
            Ok(ended) => last(&ended),
            Err(error) => {
                eprintln!("run {}: {error}", self.run);
                problem(&error)
            }
        })
    }
}

/// The turn, and before it why nobody answered, where nobody did.
fn last(ended: &Ended) -> Bytes {
    let turn = contracts::to_json(&ended.turn);
    let turn = format!("event: turn\ndata: {turn}\n\n");
    match &ended.fault {
        Some(fault) => [&*problem(fault), turn.as_bytes()].concat().into(),
        None => turn.into(),
    }
}

fn problem(error: &Error) -> Bytes {
    sse::error(&Problem::of(error, Contract::Workspace, PATH))
}
