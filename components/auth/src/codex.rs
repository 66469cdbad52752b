//! "认证端点" of the `codex` document. A browser gets its token as a cookie besides.

use crate::shared::open_with;
use axum::{
    extract::{FromRequestParts, State},
    response::{AppendHeaders, IntoResponse},
};
use contracts::{
    CodexLogin,
    codex::{CodexToken, LoginStatus},
};
use domain::{Audience, ErrorKind};
use http::{HeaderValue, StatusCode, header::SET_COOKIE, request::Parts};
use ports::Platform;
use std::time::Duration;
use web::{Client, Decoded, Json, NoStore, Outcome, SignedIn, variable};

pub(crate) async fn login(
    State(platform): State<Platform>,
    client: Client,
    Decoded(body): Decoded<CodexLogin>,
) -> Outcome<impl IntoResponse> {
    let credentials = body.credentials()?;
    let opened = open_with(&platform, &client, Audience::Codex, credentials).await?;
    let lifetime = Duration::from_secs(opened.expires_in);
    let public_url = variable(&platform, "public_url").await?;
    let cookie = web::set_cookie(&public_url, &opened.access, lifetime)?;
    let token = Json(CodexToken::of(opened.access, opened.expires_in));
    Ok(NoStore((with(cookie), token)))
}

/// 200 either way: nobody signed in is an answer, not an error.
pub(crate) async fn status(
    State(platform): State<Platform>,
    mut parts: Parts,
) -> Outcome<NoStore<Json<LoginStatus>>> {
    let status = match SignedIn::from_request_parts(&mut parts, &platform).await {
        Ok(signed_in) => LoginStatus::of(signed_in.account, signed_in.token_expires_at),
        Err(failure) if failure.error().kind() == ErrorKind::Unauthenticated => {
            LoginStatus::nobody()
        }
        Err(failure) => return Err(failure),
    };
    Ok(NoStore(Json(status)))
}

pub(crate) async fn logout(
    State(platform): State<Platform>,
    signed_in: SignedIn,
) -> Outcome<impl IntoResponse> {
    let now = platform.clock.now();
    store::logins::revoke(&*platform.sql, signed_in.login.uuid, now).await?;
    let public_url = variable(&platform, "public_url").await?;
    let forget = web::forget_cookie(&public_url)?;
    Ok((StatusCode::NO_CONTENT, with(forget)))
}

fn with(cookie: HeaderValue) -> AppendHeaders<[(http::HeaderName, HeaderValue); 1]> {
    AppendHeaders([(SET_COOKIE, cookie)])
}
