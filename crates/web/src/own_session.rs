//! The session that a request names, if it is the asker's.

use crate::{failure::Failure, signed_in::SignedIn};
use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use domain::{Error, Session, SessionKey, SessionKind};
use http::request::Parts;
use ports::Platform;
use store::sessions::{Scope, find};

/// Whoever sends the request, and the session that the path's first parameter names, by UUID or
/// by number, whatever its kind. Somebody else's is not found.
#[derive(Clone, Debug)]
pub struct OwnSession(pub SignedIn, pub Session);

impl<S> FromRequestParts<S> for OwnSession
where
    S: Send + Sync,
    Platform: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        // A path that cannot be decoded names nothing.
        let key = parameters.ok().and_then(|parameters| {
            let (_, text) = parameters.iter().next()?;
            SessionKey::parse(text)
        });
        let session = own_session(&Platform::from_ref(state), &signed_in, key).await?;
        Ok(Self(signed_in, session))
    }
}

/// The session of that key, of whatever kind, if it is the asker's.
///
/// # Errors
/// Not found when it is not, or where there is no key.
pub async fn own_session(
    platform: &Platform,
    signed_in: &SignedIn,
    key: Option<SessionKey>,
) -> Result<Session, Error> {
    let unknown = || Error::not_found("Session not found");
    let scope = Scope::of(signed_in.account.id, &SessionKind::OF_ACCOUNTS);
    let found = find(&*platform.sql, scope, key.ok_or_else(unknown)?).await?;
    found.ok_or_else(unknown)
}
