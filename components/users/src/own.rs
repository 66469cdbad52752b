//! `/users/me`: in the words of `studio` for its tokens, of `runtime` for all others.

use accounts::Asker;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{
    Change,
    accounts::AccountDelete,
    runtime::{Profile, ProfileChange},
    studio::{Changed, OwnAccount, OwnAccountChange},
};
use domain::{Account, Audience, AvatarUrl, Bio, DisplayName, Email, Error, Username};
use http::StatusCode;
use ports::Platform;
use store::accounts as stored;
use web::{Client, Envelope, Json, Language, Outcome, SignedBody, SignedIn, parsed};

pub(crate) async fn show(
    State(platform): State<Platform>,
    signed_in: SignedIn,
) -> Outcome<Response> {
    let SignedIn { account, login, .. } = signed_in;
    if login.audience != Audience::Studio {
        return Ok(Json(Profile::from(account)).into_response());
    }
    let counts = stored::counts(&*platform.sql, account.id).await?;
    Ok(Envelope(OwnAccount::of(account, counts.workflows, counts.sessions)).into_response())
}

/// `PATCH /users/me` of `runtime`.
pub(crate) async fn patch(
    State(platform): State<Platform>,
    SignedBody(signed_in, body): SignedBody<ProfileChange>,
) -> Outcome<Json<Profile>> {
    let username = body.username.as_deref().map(Username::parse).transpose();
    let username = parsed("username", username)?;
    let avatar_url = change("avatar_url", &body.avatar_url, AvatarUrl::parse)?;
    let bio = change("bio", &body.bio, Bio::parse)?;
    let change = stored::ProfileChange {
        username: username.as_ref(),
        display_name: None,
        bio: bio.as_ref().map(Option::as_ref),
        avatar_url: avatar_url.as_ref().map(Option::as_ref),
    };
    Ok(Json(
        update(&platform, &signed_in.account, &change).await?.into(),
    ))
}

/// `PUT /users/me` of `studio`. Another address takes effect when it is confirmed.
pub(crate) async fn put(
    State(platform): State<Platform>,
    client: Client,
    language: Language,
    SignedBody(signed_in, body): SignedBody<OwnAccountChange>,
) -> Outcome<Envelope<Changed>> {
    let display_name = change("displayName", &body.display_name, DisplayName::parse)?;
    let avatar_url = change("avatarUrl", &body.avatar_url, AvatarUrl::parse)?;
    let email = body.email.as_deref().map(Email::parse).transpose();
    let email = parsed("email", email)?;
    let change = stored::ProfileChange {
        username: None,
        display_name: display_name.as_ref().map(Option::as_ref),
        bio: None,
        avatar_url: avatar_url.as_ref().map(Option::as_ref),
    };
    let account = update(&platform, &signed_in.account, &change).await?;
    let email = email.filter(|email| email.as_str() != account.email);
    if let Some(email) = &email {
        let asker = Asker {
            client: &client,
            language,
        };
        accounts::request_address(&platform, asker, &account, email).await?;
    }
    let pending = email.map(|email| email.as_str().to_owned());
    Ok(Envelope(Changed::of(pending)))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    SignedBody(signed_in, body): SignedBody<AccountDelete>,
) -> Outcome<StatusCode> {
    let account = &signed_in.account;
    accounts::check_password(&platform, account, &body.password).await?;
    stored::delete(&*platform.sql, account.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a member changes: `None` nothing, `Some(None)` empties it.
fn change<T>(
    field: &str,
    change: &Change<String>,
    parse: fn(&str) -> Result<T, &'static str>,
) -> Result<Option<Option<T>>, Error> {
    match change {
        Change::Keep => Ok(None),
        Change::Clear => Ok(Some(None)),
        Change::Set(text) => parsed(field, parse(text)).map(|value| Some(Some(value))),
    }
}

async fn update(
    platform: &Platform,
    account: &Account,
    change: &stored::ProfileChange<'_>,
) -> Result<Account, Error> {
    match stored::update_profile(&*platform.sql, account.id, change).await? {
        stored::Changed::Done(account) => Ok(account),
        stored::Changed::Taken => Err(Error::invalid_field("username", "is taken")),
        stored::Changed::Gone => Err(Error::not_found("User not found")),
    }
}
