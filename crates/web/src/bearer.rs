//! The bearer token of a request.

use crate::{failure::Failure, settings::variable};
use axum::extract::{FromRef, FromRequestParts};
use domain::{Error, ErrorKind};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use ports::Platform;
use std::convert::Infallible;
use subtle::ConstantTimeEq;

/// The token in `Authorization: Bearer …`, if there is one.
#[derive(Clone)]
pub struct Bearer(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(token_of(&parts.headers)))
    }
}

/// Proof that the runner sends the request: its token. The front door passes no `/internal` path
/// on, and the token is asked for all the same.
#[derive(Clone, Copy, Debug)]
pub struct Runner;

impl<S> FromRequestParts<S> for Runner
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let expected = variable(&Platform::from_ref(state), "runner_token").await?;
        let given = token_of(&parts.headers).unwrap_or_default();
        if !expected.is_empty() && same_secret(&given, &expected) {
            return Ok(Self);
        }
        Err(Error::new(ErrorKind::Unauthenticated, "Invalid runner token").into())
    }
}

fn token_of(headers: &HeaderMap) -> Option<String> {
    token_in(headers.get(header::AUTHORIZATION)?).map(str::to_owned)
}

/// The token in the value of an `Authorization` header.
pub(crate) fn token_in(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
#[must_use]
pub fn same_secret(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets() {
        assert!(same_secret("abc", "abc"));
        assert!(!same_secret("abd", "abc"));
        assert!(!same_secret("ab", "abc"));
        assert!(!same_secret("", "abc"));
    }
}
