//! "Auth" of the `runtime` document: sign-up by code.

use accounts::{Asker, Wanted};
use axum::extract::State;
use contracts::runtime::{EmailOnly, EmailSent, SignUp, Tokens, Verify};
use domain::{Code, Email, Password, Username};
use http::StatusCode;
use ports::Platform;
use web::{Client, Json, Language, NoStore, Outcome, Valid, parsed};

pub(crate) async fn create(
    State(platform): State<Platform>,
    client: Client,
    language: Language,
    Valid(body): Valid<SignUp>,
) -> Outcome<(StatusCode, Json<EmailSent>)> {
    let username = parsed("username", Username::parse(&body.username))?;
    let email = parsed("email", Email::parse(&body.email))?;
    let password = parsed("password", Password::parse(&body.password))?;
    let asker = Asker {
        client: &client,
        language,
    };
    let wanted = Wanted {
        username: &username,
        email: &email,
        password: &password,
        redirect_to: body.redirect_to.as_deref(),
    };
    accounts::sign_up(&platform, asker, wanted).await?;
    let email = email.as_str().to_owned();
    Ok((StatusCode::ACCEPTED, Json(EmailSent { email })))
}

pub(crate) async fn resend(
    State(platform): State<Platform>,
    client: Client,
    language: Language,
    Valid(body): Valid<EmailOnly>,
) -> Outcome<StatusCode> {
    let email = parsed("email", Email::parse(&body.email))?;
    let asker = Asker {
        client: &client,
        language,
    };
    accounts::resend(&platform, asker, &email).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn verify(
    State(platform): State<Platform>,
    client: Client,
    Valid(body): Valid<Verify>,
) -> Outcome<NoStore<Json<Tokens>>> {
    let email = parsed("email", Email::parse(&body.email))?;
    let code = parsed("token", Code::parse(&body.token))?;
    let opened = accounts::confirm_sign_up(&platform, &client, &email, &code).await?;
    Ok(crate::runtime::tokens(opened))
}
