//! Messages that are answered again, or edited: `…/messages/{message_id}/regenerate` and `…/edit`,
//! each a branch beside what was there; and which branch is shown.
//!
//! Sessions of `workspace` and chats of `runtime` have branches. What is generated again is a whole
//! turn, whichever of its messages is named.

use crate::{
    agent_chats,
    messages::{self, hearing},
};
use axum::{
    extract::{FromRequestParts, RawPathParams, State},
    response::{IntoResponse, Response},
};
use contracts::{
    runtime::agent_chats::MESSAGE_MAX_CHARS,
    workspace::{branches::MessageEdit, sessions::Message},
};
use domain::{Error, Role, Session, SessionKey, SessionKind};
use http::{HeaderMap, request::Parts};
use ports::Platform;
use runs::Beside;
use std::convert::Infallible;
use store::branches::{self, Branching};
use uuid::Uuid;
use web::{Json, Limits, Outcome, Page, Paged, Parameters, SignedBody, SignedIn, own_session};

const SIBLINGS: Limits = Limits {
    default: 50,
    most: 100,
};

/// The session and the message that a path names, as far as it names any.
pub(crate) struct Place {
    session: Option<SessionKey>,
    message: Option<Uuid>,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // A path that cannot be decoded names nothing.
        let parameters = RawPathParams::from_request_parts(parts, state).await.ok();
        let named = |place| {
            let parameters = parameters.as_ref()?;
            parameters.iter().nth(place).map(|(_, text)| text)
        };
        Ok(Self {
            session: named(0).and_then(SessionKey::parse),
            message: named(1).and_then(|text| text.parse().ok()),
        })
    }
}

impl Place {
    /// What it names, if it is the asker's and has branches.
    async fn find(
        self,
        platform: &Platform,
        signed_in: &SignedIn,
    ) -> Result<(Session, Branching), Error> {
        let session = own_session(platform, signed_in, self.session).await?;
        let unknown = || Error::not_found("Message not found");
        if !matches!(session.kind, SessionKind::Workspace | SessionKind::Runtime) {
            return Err(unknown());
        }
        let message = self.message.ok_or_else(unknown)?;
        let found = branches::find(&*platform.sql, session.id, message).await?;
        Ok((session, found.ok_or_else(unknown)?))
    }
}

pub(crate) async fn regenerate(
    State(platform): State<Platform>,
    place: Place,
    headers: HeaderMap,
    signed_in: SignedIn,
) -> Outcome<Response> {
    let (session, found) = place.find(&platform, &signed_in).await?;
    let beside = Beside {
        run: found.run,
        message: Some(found.question),
    };
    begin(platform, headers, &signed_in, session, &found.text, beside).await
}

pub(crate) async fn edit(
    State(platform): State<Platform>,
    place: Place,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<MessageEdit>,
) -> Outcome<Response> {
    let (session, found) = place.find(&platform, &signed_in).await?;
    if found.message.role != Role::User {
        return Err(Error::invalid_field("path", "must name a message of the user").into());
    }
    let is_long = body.content.chars().count() > MESSAGE_MAX_CHARS;
    if session.kind == SessionKind::Runtime && is_long {
        return Err(Error::invalid_field("content", "must be at most 8000 characters").into());
    }
    let beside = Beside {
        run: found.run,
        message: None,
    };
    begin(
        platform,
        headers,
        &signed_in,
        session,
        &body.content,
        beside,
    )
    .await
}

/// Begins a branch, and answers as its session's kind does.
async fn begin(
    platform: Platform,
    headers: HeaderMap,
    signed_in: &SignedIn,
    session: Session,
    text: &str,
    beside: Beside,
) -> Outcome<Response> {
    let user = signed_in.account.id;
    let hearing = hearing(&headers);
    let begun =
        runs::begin_beside(&platform, &headers, &session, user, text, beside, hearing).await?;
    match session.kind {
        SessionKind::Runtime => agent_chats::answer(platform, &headers, &session, begun).await,
        _ => messages::answer(platform, &headers, session, begun).await,
    }
}

pub(crate) async fn select(
    State(platform): State<Platform>,
    place: Place,
    signed_in: SignedIn,
) -> Outcome<Json<Message>> {
    let (session, found) = place.find(&platform, &signed_in).await?;
    branches::show(&*platform.sql, &found.message).await?;
    Ok(Json(Message::of(&session, found.message)))
}

pub(crate) async fn siblings(
    State(platform): State<Platform>,
    place: Place,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<Response> {
    let (session, found) = place.find(&platform, &signed_in).await?;
    let page = Page::by_offset(&query, SIBLINGS)?;
    let listed = branches::siblings(&*platform.sql, &found.message, page.window()).await?;
    let messages = listed.items.into_iter();
    let body: Vec<_> = messages
        .map(|message| Message::of(&session, message))
        .collect();
    let total = listed.total;
    Ok(Paged { body, total }.into_response())
}
