//! Messages to the agent of a studio session: `POST /sessions/{id}/messages`, and what the runner
//! got over `/ws/chat`.

use crate::{studio, workspace::key, workspace::unknown};
use axum::extract::State;
use contracts::{
    Contract, Problem, invalid_members,
    studio::{
        frames::{self, ClientFrame},
        messages::StudioMessageCreate,
        sessions::StudioMessage,
    },
};
use domain::{Error, ErrorKind, MessageStatus, Role, Session, SessionId, SessionKey, UserId};
use futures::StreamExt;
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    edge::{Replies, Said},
    runs::Hearing,
};
use runs::Begun;
use store::{
    messages,
    runs::RunStatus,
    sessions::{self, Scope},
};
use web::{Decoded, Envelope, Json, Outcome, Runner, Segment, SignedBody};

pub(crate) async fn send(
    State(platform): State<Platform>,
    headers: HeaderMap,
    Segment(id): Segment,
    SignedBody(signed_in, body): SignedBody<StudioMessageCreate>,
) -> Outcome<Envelope<StudioMessage>> {
    let user = signed_in.account.id;
    let session = own(&platform, user, key(&id)?).await?;
    let (text, hearing) = (&body.content, Some(Hearing::End));
    let begun = runs::begin(&platform, &headers, &session, user, text, hearing).await?;
    Ok(Envelope(answer(&platform, begun).await?))
}

/// The user's own session: administrators read what others say, and say nothing for them.
pub(crate) async fn own(
    platform: &Platform,
    user: UserId,
    key: SessionKey,
) -> Result<Session, Error> {
    let scope = Scope::of(user, &studio::KINDS);
    let session = sessions::find(&*platform.sql, scope, key).await?;
    session.ok_or_else(unknown)
}

/// The assistant's last message of the turn, once that is done. Of a turn that did not succeed only
/// one that was cut short is an answer, because it says so.
async fn answer(platform: &Platform, begun: Begun) -> Result<StudioMessage, Error> {
    if let Some(mut lines) = begun.lines {
        // What they say is in the database, or goes on there.
        while let Some(Ok(_)) = lines.next().await {}
    }
    let run = runs::ended(platform, begun.run).await?;
    let said = messages::of_run(&*platform.sql, run.uuid).await?;
    let mut answers = said.into_iter().rev();
    let last = answers.find(|message| message.role == Role::Assistant);
    let went_well = run.status == RunStatus::Succeeded;
    last.filter(|message| went_well || message.status != MessageStatus::Complete)
        .map(StudioMessage::from)
        .ok_or_else(|| runs::unanswered(&run))
}

/// `POST /internal/sockets/studio`: what somebody said on `/ws/chat`. What comes of a message goes
/// to the user's room; only what was refused is answered here.
pub(crate) async fn said(
    State(platform): State<Platform>,
    _: Runner,
    headers: HeaderMap,
    Decoded(said): Decoded<Said>,
) -> Outcome<Json<Replies>> {
    let frame = serde_json::from_value::<ClientFrame>(said.payload);
    let session = frame.as_ref().ok().and_then(|frame| frame.session_id);
    let taken = match frame {
        Ok(frame) => take(&platform, &headers, UserId(said.user), frame).await,
        Err(_) => Err(refused("A frame is an object with a `type`")),
    };
    let frames = taken.err().map(|error| {
        let problem = Problem::of(&error, Contract::Studio, "/ws/chat");
        frames::error(session, problem.status, &problem.detail)
    });
    Ok(Json(Replies {
        frames: frames.into_iter().collect(),
    }))
}

/// Begins the turn that a frame asks for.
async fn take(
    platform: &Platform,
    headers: &HeaderMap,
    user: UserId,
    frame: ClientFrame,
) -> Result<(), Error> {
    if frame.r#type != "SEND_MESSAGE" {
        return Err(refused("There is no such `type`. There is SEND_MESSAGE"));
    }
    let id = frame
        .session_id
        .ok_or_else(|| refused("`sessionId` is missing"))?;
    let body = StudioMessageCreate {
        content: frame.content.unwrap_or_default(),
    };
    if let Some(fault) = invalid_members(&body).first() {
        return Err(refused(&format!("`{}` {}", fault.field, fault.message)));
    }
    let session = own(platform, user, SessionKey::Id(SessionId(id))).await?;
    runs::begin(platform, headers, &session, user, &body.content, None)
        .await
        .map(drop)
}

fn refused(detail: &str) -> Error {
    Error::new(ErrorKind::Refused, detail.to_owned())
}
