//! Section 1 of the `studio` document, besides signing in.

use axum::extract::State;
use contracts::studio::NewToken;
use domain::{Error, ErrorKind};
use ports::Platform;
use web::{Bearer, Envelope, NoStore, Outcome, SignedIn};

pub(crate) async fn logout(
    State(platform): State<Platform>,
    signed_in: SignedIn,
) -> Outcome<Envelope<()>> {
    let now = platform.clock.now();
    store::logins::revoke(&*platform.sql, signed_in.login.uuid, now).await?;
    Ok(Envelope(()))
}

/// It takes a token that has expired, which nothing else does.
pub(crate) async fn refresh(
    State(platform): State<Platform>,
    Bearer(token): Bearer,
) -> Outcome<NoStore<Envelope<NewToken>>> {
    let token = token.ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "Not authenticated"))?;
    let opened = accounts::refresh_studio(&platform, &token).await?;
    let token = opened.access.into();
    Ok(NoStore(Envelope(NewToken { token })))
}
