//! `POST /agent-chats` of `runtime`: an agent answers, in a new chat or one that goes on.

use crate::{ag_ui::Rendering, messages::hearing};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use contracts::runtime::agent_chats::{AgentChat, AgentChatRequest, AgentEvent};
use domain::{Error, ErrorKind, Session, SessionKey, SessionKind};
use futures::{
    StreamExt,
    future::{Either, select},
    stream,
};
use http::HeaderMap;
use ports::Platform;
use runner_api::{RunLines, runs::Batch};
use store::sessions::{self, Scope};
use uuid::Uuid;
use web::{Json, Outcome, SignedBody, SignedIn, asks_for, most_sessions, new_uuid, sse};

const KINDS: [SessionKind; 1] = [SessionKind::Runtime];

pub(crate) async fn chat(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<AgentChatRequest>,
) -> Outcome<Response> {
    let (session, is_new) = session(&platform, &signed_in, body.session_id.as_deref()).await?;
    let user = signed_in.account.id;
    let (text, hearing) = (&body.message, Some(hearing(&headers)));
    let begun = match runs::begin(&platform, &headers, &session, user, text, hearing).await {
        Ok(begun) => begun,
        Err(error) => {
            if is_new {
                let key = SessionKey::Id(session.id);
                sessions::delete(&*platform.sql, Scope::of(user, &KINDS), key).await?;
            }
            return Err(error.into());
        }
    };
    answer(platform, &headers, &session, begun).await
}

/// What the agent did when it is done, or as it happens, as the request's headers want it.
pub(super) async fn answer(
    platform: Platform,
    headers: &HeaderMap,
    session: &Session,
    begun: runs::Begun,
) -> Outcome<Response> {
    if asks_for(headers, "text/event-stream") {
        return Ok(sse::answer(as_stream(platform, session, begun)));
    }
    if let Some(mut lines) = begun.lines {
        // What they say is in the database, or goes on there.
        while let Some(Ok(_)) = lines.next().await {}
    }
    let happened = happened(&platform, begun.run, 0).await?;
    let events = Rendering::new(session.uuid, begun.run).all(&happened);
    let output = events.iter().rev().find_map(|event| event.output.clone());
    let usage = events.iter().rev().find_map(|event| event.usage);
    Ok(Json(AgentChat {
        session_id: session.uuid.to_string(),
        output: output.unwrap_or_default(),
        usage,
        events,
    })
    .into_response())
}

/// The chat that goes on, or a new one.
async fn session(
    platform: &Platform,
    signed_in: &SignedIn,
    id: Option<&str>,
) -> Result<(Session, bool), Error> {
    let (sql, user) = (&*platform.sql, signed_in.account.id);
    let Some(id) = id else {
        let (uuid, now) = (new_uuid(platform), platform.clock.now());
        let (kind, most) = (SessionKind::Runtime, most_sessions(platform).await?);
        let made = sessions::insert(sql, uuid, kind, user, None, now, most).await?;
        // The account was deleted after the token was looked at.
        let gone = || Error::new(ErrorKind::Unauthenticated, "The token is invalid");
        return made.map(|made| (made, true)).ok_or_else(gone);
    };
    let Some(SessionKey::Uuid(uuid)) = SessionKey::parse(id) else {
        return Err(Error::invalid_field("session_id", "must be a UUID"));
    };
    let found = sessions::find(sql, Scope::of(user, &KINDS), SessionKey::Uuid(uuid)).await?;
    let found = found.ok_or_else(|| Error::not_found("Session not found"))?;
    Ok((found, false))
}

/// What happened in a run that has ended, from its steps; in those after `seen`.
async fn happened(platform: &Platform, run: Uuid, seen: u64) -> Result<Vec<agent::Event>, Error> {
    let ended = runs::ended(platform, run).await?;
    let transcript = runs::transcript(&*platform.sql, &ended).await?;
    let steps = transcript.run().iter().filter(|step| step.number > seen);
    let events = steps.flat_map(|step| agent::events_of(&transcript, step));
    Ok(events.collect())
}

/// A stream of a run's events.
struct Telling {
    platform: Platform,
    run: Uuid,
    lines: Option<RunLines>,
    rendering: Rendering,
    /// The last step that was told.
    seen: u64,
    over: bool,
}

fn as_stream(
    platform: Platform,
    session: &Session,
    begun: runs::Begun,
) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    let telling = Telling {
        platform,
        run: begun.run,
        lines: begun.lines,
        rendering: Rendering::new(session.uuid, begun.run),
        seen: 0,
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
            match line {
                Some(Ok(line)) if line.end.is_none() => {
                    let events = line.batch.map(|batch| self.events(batch));
                    if let Some(events) = events.filter(|events| !events.is_empty()) {
                        return Some(written(&events));
                    }
                }
                _ => self.lines = None,
            }
        }
        if self.over {
            return None;
        }
        // What the lines did not tell is told from the database.
        let rest = Box::pin(happened(&self.platform, self.run, self.seen));
        let rest = match select(rest, heartbeat).await {
            Either::Left((rest, _)) => rest,
            Either::Right(_) => return Some(sse::HEARTBEAT),
        };
        self.over = true;
        let events = match rest {
            Ok(events) => self.rendering.all(&events),
            Err(error) => {
                eprintln!("run {}: {error}", self.run);
                self.rendering.broken_off(error.detail())
            }
        };
        (!events.is_empty()).then(|| written(&events))
    }

    fn events(&mut self, batch: Batch) -> Vec<AgentEvent> {
        self.seen = batch.step.unwrap_or_default().max(self.seen);
        let events = batch.events.into_iter();
        // What this program does not know has no place in AG-UI either.
        let known = events.filter_map(|event| serde_json::from_value(event).ok());
        let known: Vec<agent::Event> = known.collect();
        self.rendering.all(&known)
    }
}

fn written(events: &[AgentEvent]) -> Bytes {
    let events = events.iter().map(|event| {
        let event = event.in_own_words();
        format!("data: {event}\n\n")
    });
    events.collect::<String>().into()
}
