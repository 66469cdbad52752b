//! Settings that several components read.

use crate::{failure::Failure, signed_in::SignedIn};
use axum::extract::{FromRef, FromRequestParts};
use domain::{ConversationOwner, Error, ErrorKind};
use http::{Uri, request::Parts};
use ports::Platform;
use std::{fmt::Display, net::IpAddr, str::FromStr};

/// The variable `name`.
///
/// # Errors
/// Unavailable when the host does not know it: the deployment is at fault, not the request.
pub async fn variable(platform: &Platform, name: &str) -> Result<String, Error> {
    platform.variables.get(name).await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, "The service is not configured").caused_by(error)
    })
}

/// What the variable `name` says, if it is not empty.
///
/// # Errors
/// Unavailable when the host does not know it, or it cannot be read.
pub async fn setting<T: FromStr<Err: Display>>(
    platform: &Platform,
    name: &str,
) -> Result<Option<T>, Error> {
    match variable(platform, name).await?.as_str() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|error: T::Err| misread(name, &error.to_string())),
    }
}

/// How many sessions an account may have: as the variable `limit_sessions_user` says; as many as it
/// likes where that is empty.
///
/// # Errors
/// Unavailable when the host does not know it, or it is no number.
pub async fn most_sessions(platform: &Platform) -> Result<i64, Error> {
    let most = setting(platform, "limit_sessions_user").await?;
    Ok(most.unwrap_or(i64::MAX))
}

/// The variable `name` cannot be read.
#[must_use]
pub fn misread(name: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "The service is not configured")
        .caused_by(format!("variable `{name}`: {reason}"))
}

/// Whether strangers may use the open chat: as the variable `open_chat` says (`true`, `false`);
/// when it is empty, where `public_url` is on loopback.
///
/// # Errors
/// Unavailable when a variable is missing or is not one of these words.
async fn open_chat(platform: &Platform) -> Result<bool, Error> {
    match variable(platform, "open_chat").await?.as_str() {
        "" => Ok(is_loopback_url(&variable(platform, "public_url").await?)),
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        _ => Err(misread("open_chat", "it must be `true`, `false` or empty")),
    }
}

/// Proof that the caller may use the open chat: the deployment has it on.
#[derive(Clone, Copy, Debug)]
pub struct OpenChat;

impl<S> FromRequestParts<S> for OpenChat
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Failure> {
        if open_chat(&Platform::from_ref(state)).await? {
            return Ok(Self);
        }
        Err(Error::new(ErrorKind::Unauthenticated, "Not authenticated").into())
    }
}

/// Whose conversations a request is about: those of open users where the open chat is on, else
/// those of whoever is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Conversations(pub ConversationOwner);

impl<S> FromRequestParts<S> for Conversations
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        if open_chat(&Platform::from_ref(state)).await? {
            return Ok(Self(ConversationOwner::OpenUsers));
        }
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        Ok(Self(ConversationOwner::Account(signed_in.account.id)))
    }
}

/// Whether `url` names this very machine.
#[must_use]
pub fn is_loopback_url(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback() {
        let check = |url: &str, loopback: bool| assert_eq!(is_loopback_url(url), loopback, "{url}");
        check("http://127.0.0.1:3000", true);
        check("http://localhost", true);
        check("http://[::1]:80/x", true);
        check("http://127.1", false);
        check("https://chat.example.org", false);
        check("http://localhost.example.org", false);
        check("http://10.0.0.1", false);
        check("", false);
        check("nonsense", false);
    }
}
