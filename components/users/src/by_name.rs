//! `GET /users/{username}`: with a token an account as `runtime` shows it, without one an open
//! user of `chat`. Neither sees the other.

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use contracts::{chat::User, runtime::Profile};
use domain::{Error, Username};
use http::request::Parts;
use ports::Platform;
use web::{Bearer, Cookie, Json, OpenChat, Outcome, Segment, SignedIn, parsed};

pub(crate) async fn show(
    State(platform): State<Platform>,
    Bearer(token): Bearer,
    Cookie(cookie): Cookie,
    Segment(username): Segment,
    mut parts: Parts,
) -> Outcome<Response> {
    if token.is_some() || cookie.is_some() {
        SignedIn::from_request_parts(&mut parts, &platform).await?;
        return Ok(Json(account(&platform, &username).await?).into_response());
    }
    OpenChat::from_request_parts(&mut parts, &platform).await?;
    let user = store::open_users::by_name(&*platform.sql, &username).await?;
    let user = user.ok_or_else(|| Error::not_found("User not found"))?;
    Ok(Json(User::from(user)).into_response())
}

async fn account(platform: &Platform, username: &str) -> Result<Profile, Error> {
    let username = parsed("path.username", Username::parse(username))?;
    let account = store::accounts::by_username(&*platform.sql, username.as_str()).await?;
    account
        .map(Profile::from)
        .ok_or_else(|| Error::not_found("User not found"))
}
