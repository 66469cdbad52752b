//! "Auth" of the `runtime` document: sessions, and accounts by address.

use accounts::{Name, Opened};
use axum::extract::State;
use contracts::runtime::{AccountByEmail, RefreshToken, SignIn, Tokens};
use domain::{Audience, Email, Error, ErrorKind};
use http::StatusCode;
use ports::Platform;
use web::{Client, Json, NoStore, Outcome, Parameters, SignedIn, Valid, parsed};

/// A login in the words of `runtime`.
pub(crate) fn tokens(opened: Opened) -> NoStore<Json<Tokens>> {
    let Opened {
        account,
        access,
        refresh,
        expires_in,
        ..
    } = opened;
    NoStore(Json(Tokens::of(&account, access, refresh, expires_in)))
}

pub(crate) async fn sign_in(
    State(platform): State<Platform>,
    client: Client,
    Valid(body): Valid<SignIn>,
) -> Outcome<NoStore<Json<Tokens>>> {
    let name = Name::Email(&body.email);
    let opened =
        accounts::sign_in(&platform, &client, Audience::Runtime, name, &body.password).await?;
    Ok(tokens(opened))
}

pub(crate) async fn refresh(
    State(platform): State<Platform>,
    Valid(body): Valid<RefreshToken>,
) -> Outcome<NoStore<Json<Tokens>>> {
    Ok(tokens(
        accounts::refresh(&platform, &body.refresh_token).await?,
    ))
}

pub(crate) async fn sign_out(
    State(platform): State<Platform>,
    Valid(body): Valid<RefreshToken>,
) -> Outcome<StatusCode> {
    accounts::end_by_refresh_token(&platform, &body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn by_email(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<Json<AccountByEmail>> {
    let email = query
        .get("email")
        .ok_or_else(|| Error::invalid_field("query.email", "is required"))?;
    let email = parsed("query.email", Email::parse(email))?;
    if !auth::permissions::may_read_account_by_email(&signed_in.account, &email) {
        return Err(Error::new(ErrorKind::Forbidden, "This is somebody else's address").into());
    }
    let account = store::accounts::by_email(&*platform.sql, &email).await?;
    let account = account.ok_or_else(|| Error::not_found("User not found"))?;
    Ok(Json(account.into()))
}
