//! Logins that go on, and logins that are ended by what refreshes them.

use crate::{
    Settings, milliseconds,
    opening::{Opened, tokens},
    unauthenticated,
};
use auth::{AccessToken, RefreshToken, STUDIO_GRACE, TokenError};
use domain::{Audience, Error};
use ports::Platform;
use store::logins::{self, Rotation};

/// Uses a refresh token up, and gives its successor. One that was used before gives the same
/// successor for ten seconds; later it ends the login.
///
/// # Errors
/// Unauthenticated.
pub async fn refresh(platform: &Platform, text: &str) -> Result<Opened, Error> {
    let settings = Settings::read(platform).await?;
    let refused = || unauthenticated("The refresh token is invalid");
    let token = RefreshToken::read(&settings.keys, text).ok_or_else(refused)?;
    let now = platform.clock.now();
    let expires_at = now + milliseconds(auth::login_lifetime(Audience::Runtime));
    let sql = &*platform.sql;
    match logins::rotate(sql, token.login, token.generation, now, expires_at).await? {
        Rotation::Rotated {
            successor,
            account,
            login,
        } => tokens(platform, &settings, *account, login, successor),
        Rotation::Reused | Rotation::Gone => Err(refused()),
    }
}

/// Ends the login of a refresh token. One that nobody knows ends nothing, and that is no error.
///
/// # Errors
/// What a failed statement means.
pub async fn end_by_refresh_token(platform: &Platform, text: &str) -> Result<(), Error> {
    let settings = Settings::read(platform).await?;
    if let Some(token) = RefreshToken::read(&settings.keys, text) {
        logins::revoke(&*platform.sql, token.login, platform.clock.now()).await?;
    }
    Ok(())
}

/// Gives another access token for one of `studio`, which may have expired at most 7 days ago.
///
/// # Errors
/// Unauthenticated.
pub async fn refresh_studio(platform: &Platform, text: &str) -> Result<Opened, Error> {
    let settings = Settings::read(platform).await?;
    let refused = || unauthenticated("The token is invalid");
    let now = platform.clock.now();
    let token = studio_token(&settings, text, now).ok_or_else(refused)?;
    let expires_at = now + milliseconds(auth::login_lifetime(Audience::Studio));
    let touched = logins::touch(&*platform.sql, token.login, now, expires_at).await?;
    let (account, login) = touched
        .filter(|(account, login)| account.uuid == token.user && login.audience == token.audience)
        .ok_or_else(refused)?;
    tokens(platform, &settings, account, login, 0)
}

/// Ends the login of an access token of `studio`, which may have expired at most 7 days ago.
/// `false` when the token is no such token, or its login is no longer open.
///
/// # Errors
/// What a failed statement means.
pub async fn end_by_studio_token(platform: &Platform, text: &str) -> Result<bool, Error> {
    let settings = Settings::read(platform).await?;
    let now = platform.clock.now();
    let Some(token) = studio_token(&settings, text, now) else {
        return Ok(false);
    };
    let sql = &*platform.sql;
    let found = logins::current(sql, token.login, token.user, now).await?;
    match found.filter(|(_, login)| login.audience == token.audience) {
        Some((_, login)) => logins::revoke(sql, login.uuid, now).await,
        None => Ok(false),
    }
}

/// The access token of `studio` with that text, which may be within its grace.
fn studio_token(settings: &Settings, text: &str, now: i64) -> Option<AccessToken> {
    let token = match auth::verify(&settings.keys, &settings.issuer, text, now) {
        Ok(token) => token,
        Err(TokenError::Expired(token)) if now - token.expires_at <= milliseconds(STUDIO_GRACE) => {
            token
        }
        Err(_) => return None,
    };
    (token.audience == Audience::Studio).then_some(token)
}
