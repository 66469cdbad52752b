//! One's own logins.

use axum::extract::State;
use contracts::accounts::OpenLogin;
use domain::Error;
use http::StatusCode;
use ports::Platform;
use store::{Window, logins};
use web::{Limits, Outcome, Page, Paged, Parameters, Segment, SignedIn};

/// How many logins, or keys, a part of a list has.
pub(crate) const PART: Limits = Limits {
    default: 50,
    most: 100,
};

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<Paged<Vec<OpenLogin>>> {
    let window = window(&query)?;
    let (user, now) = (signed_in.account.id, platform.clock.now());
    let listed = logins::list_of_user(&*platform.sql, user, now, window).await?;
    let current = signed_in.login.id;
    let open = listed.items.into_iter();
    Ok(Paged {
        body: open.map(|login| OpenLogin::of(login, current)).collect(),
        total: listed.total,
    })
}

/// Which part of a list the reader asked for.
pub(crate) fn window(query: &Parameters) -> Outcome<Window> {
    Ok(Page::by_offset(query, PART)?.window())
}

pub(crate) async fn end(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
) -> Outcome<StatusCode> {
    let unknown = || Error::not_found("Login not found");
    let login = id.parse().map_err(|_| unknown())?;
    let (user, now) = (signed_in.account.id, platform.clock.now());
    if !logins::revoke_one_of_user(&*platform.sql, user, login, now).await? {
        return Err(unknown().into());
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn end_others(
    State(platform): State<Platform>,
    signed_in: SignedIn,
) -> Outcome<StatusCode> {
    let (user, this) = (signed_in.account.id, signed_in.login.uuid);
    logins::revoke_of_user(&*platform.sql, user, Some(this), platform.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
