//! Another e-mail address.

use accounts::Asker;
use axum::extract::State;
use contracts::{
    accounts::{EmailChange, EmailConfirm},
    runtime::{EmailSent, Profile},
};
use domain::{Code, Email};
use http::StatusCode;
use ports::Platform;
use web::{Client, Json, Language, Outcome, SignedBody, parsed};

pub(crate) async fn request(
    State(platform): State<Platform>,
    client: Client,
    language: Language,
    SignedBody(signed_in, body): SignedBody<EmailChange>,
) -> Outcome<(StatusCode, Json<EmailSent>)> {
    let email = parsed("email", Email::parse(&body.email))?;
    let account = &signed_in.account;
    accounts::check_password(&platform, account, &body.password).await?;
    let asker = Asker {
        client: &client,
        language,
    };
    accounts::request_address(&platform, asker, account, &email).await?;
    let email = email.as_str().to_owned();
    Ok((StatusCode::ACCEPTED, Json(EmailSent { email })))
}

pub(crate) async fn confirm(
    State(platform): State<Platform>,
    client: Client,
    SignedBody(signed_in, body): SignedBody<EmailConfirm>,
) -> Outcome<Json<Profile>> {
    let code = parsed("token", Code::parse(&body.token))?;
    let account = &signed_in.account;
    accounts::check_password(&platform, account, &body.password).await?;
    let account = accounts::confirm_address(&platform, &client, account, &code).await?;
    Ok(Json(account.into()))
}
