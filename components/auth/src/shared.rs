//! `/auth/login` of `workspace` and `studio`, told apart by the body, and `workspace`'s
//! `/auth/me`.

use accounts::{Name, Opened};
use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use contracts::{
    Contract, Credentials, Login,
    studio::StudioToken,
    workspace::{TokenResponse, UserProfile},
};
use domain::{Audience, Error};
use http::request::Parts;
use ports::Platform;
use web::{Client, Decoded, Envelope, Failure, Json, NoStore, Outcome, Parameters, SignedIn};

pub(crate) async fn login(
    State(platform): State<Platform>,
    client: Client,
    Decoded(body): Decoded<Login>,
) -> Outcome<Response> {
    let contract = body.contract();
    let answered = match contract {
        Contract::Studio => open(&platform, &client, Audience::Studio, &body)
            .await
            .map(|opened| Envelope(StudioToken::of(opened.account, opened.access)).into_response()),
        _ => open(&platform, &client, Audience::Workspace, &body)
            .await
            .map(|opened| Json(TokenResponse::of(opened.access)).into_response()),
    };
    let answer = answered.map_err(|failure| Failure::of(contract, failure))?;
    Ok(NoStore(answer).into_response())
}

async fn open(
    platform: &Platform,
    client: &Client,
    audience: Audience,
    body: &Login,
) -> Outcome<Opened> {
    let credentials = body.credentials()?;
    Ok(open_with(platform, client, audience, credentials).await?)
}

/// Opens a login with whatever somebody signs in with.
pub(crate) async fn open_with(
    platform: &Platform,
    client: &Client,
    audience: Audience,
    credentials: Credentials<'_>,
) -> Result<Opened, Error> {
    let (name, password) = match credentials {
        Credentials::Username(name, password) => (Name::Username(name), password),
        Credentials::Email(email, password) => (Name::Email(email), password),
        Credentials::ApiKey(key) => {
            return accounts::sign_in_with_key(platform, client, audience, key).await;
        }
    };
    accounts::sign_in(platform, client, audience, name, password).await
}

/// The token may stand in the query; no log has it.
pub(crate) async fn me(
    State(platform): State<Platform>,
    query: Parameters,
    mut parts: Parts,
) -> Outcome<NoStore<Json<UserProfile>>> {
    let signed_in = match query.get("token").filter(|token| !token.is_empty()) {
        Some(token) => SignedIn::by_token(&platform, token).await?,
        None => SignedIn::from_request_parts(&mut parts, &platform).await?,
    };
    Ok(NoStore(Json(signed_in.account.into())))
}
