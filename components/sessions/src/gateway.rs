//! `/sessions`, which two contracts share: in the words of `studio` for its tokens, of
//! `workspace` for all others.

use crate::{studio, workspace};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::workspace::sessions::SessionCreate;
use domain::{Audience, Error, SessionTitle};
use http::HeaderMap;
use ports::Platform;
use web::{Limits, Outcome, Page, Parameters, SignedBodyIfAny, SignedIn, parsed};

/// Of `workspace`; `studio` has one for all of its lists.
const SESSIONS: Limits = Limits {
    default: 50,
    most: 100,
};

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Response> {
    if signed_in.login.audience == Audience::Studio {
        return studio::list(&platform, &signed_in, &query).await;
    }
    let window = Page::by_offset(&query, SESSIONS)?.window();
    workspace::list(&platform, &signed_in, &headers, &query, window).await
}

pub(crate) async fn create(
    State(platform): State<Platform>,
    SignedBodyIfAny(signed_in, body): SignedBodyIfAny<SessionCreate>,
) -> Outcome<Response> {
    let title = title(body.title.as_deref())?;
    if signed_in.login.audience == Audience::Studio {
        let created = studio::create(&platform, &signed_in, title.as_ref(), body.workflow_id);
        return Ok(created.await?.into_response());
    }
    let created = workspace::create(&platform, &signed_in, title.as_ref()).await?;
    Ok(created.into_response())
}

/// A title as it is kept: blanks alone are none.
pub(crate) fn title(text: Option<&str>) -> Result<Option<SessionTitle>, Error> {
    let said = text.map(str::trim).filter(|text| !text.is_empty());
    parsed("title", said.map(SessionTitle::parse).transpose())
}
