//! Section 1 of the `studio` document, besides signing in.

use axum::extract::{FromRequestParts, State};
use contracts::studio::NewToken;
use domain::{Error, ErrorKind};
use http::request::Parts;
use ports::Platform;
use web::{Bearer, Envelope, NoStore, Outcome, SignedIn};

/// It also takes a token that has expired and could still be refreshed: else, whoever comes back
/// after an hour could not end what whoever has the token could go on with.
pub(crate) async fn logout(
    State(platform): State<Platform>,
    mut parts: Parts,
) -> Outcome<Envelope<()>> {
    let refused = match SignedIn::from_request_parts(&mut parts, &platform).await {
        Ok(signed_in) => {
            let now = platform.clock.now();
            store::logins::revoke(&*platform.sql, signed_in.login.uuid, now).await?;
            return Ok(Envelope(()));
        }
        Err(refused) => refused,
    };
    if refused.error().kind() != ErrorKind::Unauthenticated {
        return Err(refused);
    }
    let Ok(Bearer(token)) = Bearer::from_request_parts(&mut parts, &platform).await;
    match token {
        Some(token) if accounts::end_by_studio_token(&platform, &token).await? => Ok(Envelope(())),
        _ => Err(refused),
    }
}

/// Besides signing out, the one operation that takes a token that has expired.
pub(crate) async fn refresh(
    State(platform): State<Platform>,
    Bearer(token): Bearer,
) -> Outcome<NoStore<Envelope<NewToken>>> {
    let token = token.ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "Not authenticated"))?;
    let opened = accounts::refresh_studio(&platform, &token).await?;
    let token = opened.access.into();
    Ok(NoStore(Envelope(NewToken { token })))
}
