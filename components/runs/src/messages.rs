//! `POST /chat/messages`: a message to the team, answered when the turn is done, or as it goes.

use crate::turn;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::{
    Contract, Problem,
    workspace::{
        chat::MessageCreate,
        frames::{Place, frame},
    },
};
use domain::{Error, Session, SessionKind, Timestamp};
use futures::{
    StreamExt,
    future::{Either, select},
    stream,
};
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    RunLines,
    runs::{Hearing, Told},
};
use std::time::Duration;
use store::sessions::{Scope, find};
use uuid::Uuid;
use web::{Json, Outcome, SignedBody, asks_for, sse};

const PATH: &str = "/api/v1/chat/messages";

/// The kinds of sessions that the team answers.
const KINDS: [SessionKind; 2] = [SessionKind::Workspace, SessionKind::Codex];

/// How long a stream may be silent before it says that it is there.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

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
    let run = runs::ended(&platform, begun.run).await?;
    Ok(Json(turn::of(&platform, &session, &run).await?).into_response())
}

/// Where a stream is.
enum Telling {
    /// The runner tells.
    Lines(RunLines),
    /// The database has the end.
    End,
    Over,
}

/// The session's events as they happen, and the turn at the end.
fn as_stream(
    platform: Platform,
    session: Session,
    begun: runs::Begun,
) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    let run = begun.run;
    let telling = begun.lines.map_or(Telling::End, Telling::Lines);
    stream::unfold(telling, move |telling| {
        let (platform, session) = (platform.clone(), session.clone());
        async move { next(&platform, &session, run, telling).await }
    })
}

async fn next(
    platform: &Platform,
    session: &Session,
    run: Uuid,
    mut telling: Telling,
) -> Option<(Bytes, Telling)> {
    let mut heartbeat = platform.clock.sleep(HEARTBEAT_EVERY);
    while let Telling::Lines(lines) = &mut telling {
        let line = match select(lines.next(), &mut heartbeat).await {
            Either::Left((line, _)) => line,
            Either::Right(_) => return Some((sse::HEARTBEAT, telling)),
        };
        match line {
            Some(Ok(line)) if line.end.is_none() => {
                let events: String = line.room.iter().map(|told| event(session, told)).collect();
                if !events.is_empty() {
                    return Some((events.into(), telling));
                }
            }
            // The end is in the database, or comes there.
            _ => telling = Telling::End,
        }
    }
    if matches!(telling, Telling::Over) {
        return None;
    }
    let ended = Box::pin(async {
        let run = runs::ended(platform, run).await?;
        turn::of(platform, session, &run).await
    });
    let turn = match select(ended, heartbeat).await {
        Either::Left((turn, _)) => turn,
        Either::Right(_) => return Some((sse::HEARTBEAT, Telling::End)),
    };
    let last = match turn {
        Ok(turn) => format!("event: turn\ndata: {}\n\n", contracts::to_json(&turn)).into(),
        Err(error) => {
            eprintln!("run {run}: {error}");
            sse::error(&Problem::of(&error, Contract::Workspace, PATH))
        }
    };
    Some((last, Telling::Over))
}

/// An event as the session's own stream has it.
fn event(session: &Session, told: &Told) -> String {
    let place = Place {
        event_id: &told.id,
        session_id: session.uuid,
        timestamp: Timestamp(told.at),
    };
    let frame = frame(&place, &told.event);
    format!("id: {}\ndata: {frame}\n\n", told.id)
}
