//! Passwords: changed with the old one, set anew with a code.

use accounts::Asker;
use axum::extract::State;
use contracts::{
    accounts::PasswordReset,
    runtime::{EmailOnly, EmailSent, Tokens},
    studio::{Changed, PasswordChange},
};
use domain::{Code, Email, Password};
use http::StatusCode;
use ports::Platform;
use web::{
    Client, Envelope, Json, Language, NoStore, Outcome, SignedBody, SignedIn, Valid, parsed,
};

/// `PUT /users/me/password` of `studio`; it ends the other logins.
pub(crate) async fn change(
    State(platform): State<Platform>,
    SignedBody(signed_in, body): SignedBody<PasswordChange>,
) -> Outcome<Envelope<Changed>> {
    let new = parsed("newPassword", Password::parse(&body.new_password))?;
    let SignedIn { account, login, .. } = &signed_in;
    accounts::change_password(&platform, (account, login.uuid), &body.old_password, &new).await?;
    Ok(Envelope(Changed::of(None)))
}

pub(crate) async fn forgot(
    State(platform): State<Platform>,
    client: Client,
    language: Language,
    Valid(body): Valid<EmailOnly>,
) -> Outcome<(StatusCode, Json<EmailSent>)> {
    let email = parsed("email", Email::parse(&body.email))?;
    let asker = Asker {
        client: &client,
        language,
    };
    accounts::request_reset(&platform, asker, &email).await?;
    let email = email.as_str().to_owned();
    Ok((StatusCode::ACCEPTED, Json(EmailSent { email })))
}

pub(crate) async fn reset(
    State(platform): State<Platform>,
    client: Client,
    Valid(body): Valid<PasswordReset>,
) -> Outcome<NoStore<Json<Tokens>>> {
    let email = parsed("email", Email::parse(&body.email))?;
    let code = parsed("token", Code::parse(&body.token))?;
    let password = parsed("password", Password::parse(&body.password))?;
    let opened = accounts::confirm_reset(&platform, &client, (&email, &code), &password).await?;
    Ok(crate::runtime::tokens(opened))
}
