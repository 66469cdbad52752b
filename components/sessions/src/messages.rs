//! A session's messages, in the words of `workspace` or, for its tokens, of `studio`.

use crate::{
    studio,
    workspace::{KINDS, key, unknown},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{studio::sessions::StudioMessage, workspace::sessions::Message};
use domain::Audience;
use http::Uri;
use ports::Platform;
use store::{
    Window, messages,
    sessions::{self, Scope},
};
use web::{Envelope, Limits, Outcome, Page, Paged, Parameters, Segment, SignedIn};

const MESSAGES: Limits = Limits {
    default: 200,
    most: 200,
};

/// `GET /sessions/{id}/messages`, and the same of `workspace` alone at `/chat/messages/{id}`.
pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
    query: Parameters,
    uri: Uri,
) -> Outcome<Response> {
    let shared = uri.path().starts_with("/api/v1/sessions/");
    let in_studio = shared && signed_in.login.audience == Audience::Studio;
    let scope = if in_studio {
        studio::scope(&signed_in)
    } else {
        Scope::of(signed_in.account.id, &KINDS)
    };
    let sql = &*platform.sql;
    let session = sessions::find(sql, scope, key(&id)?).await?;
    let session = session.ok_or_else(unknown)?;
    let page = Page::by_offset(&query, MESSAGES)?;
    let window = page.skip.map(|skip| Window {
        skip,
        limit: page.limit,
    });
    let now = platform.clock.now();
    let listed = messages::of_session(sql, session.id, window, page.limit, now).await?;
    let (items, total) = (listed.items.into_iter(), listed.total);
    if in_studio {
        let body: Vec<_> = items.map(StudioMessage::from).collect();
        let total = [("x-total-count", total.to_string())];
        return Ok((total, Envelope(body)).into_response());
    }
    let body: Vec<_> = items
        .map(|message| Message::of(&session, message))
        .collect();
    Ok(Paged { body, total }.into_response())
}
