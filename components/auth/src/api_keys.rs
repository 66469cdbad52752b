//! One's own API keys.

use crate::logins::window;
use axum::extract::State;
use contracts::accounts::{ApiKey, ApiKeyCreate, NewApiKey};
use domain::{ApiKeyName, Error};
use http::StatusCode;
use ports::Platform;
use web::{Json, NoStore, Outcome, Paged, Parameters, Segment, SignedBody, SignedIn, parsed};

pub(crate) async fn list(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    query: Parameters,
) -> Outcome<Paged<Vec<ApiKey>>> {
    let window = window(&query)?;
    let listed = store::api_keys::list(&*platform.sql, signed_in.account.id, window).await?;
    Ok(Paged {
        body: listed.items.into_iter().map(ApiKey::from).collect(),
        total: listed.total,
    })
}

pub(crate) async fn create(
    State(platform): State<Platform>,
    SignedBody(signed_in, body): SignedBody<ApiKeyCreate>,
) -> Outcome<(StatusCode, NoStore<Json<NewApiKey>>)> {
    let name = parsed("name", ApiKeyName::parse(&body.name))?;
    accounts::check_password(&platform, &signed_in.account, &body.password).await?;
    let (key, text) = accounts::new_api_key(&platform, &signed_in.account, &name).await?;
    let new = NewApiKey {
        known: key.into(),
        key: text.into(),
    };
    Ok((StatusCode::CREATED, NoStore(Json(new))))
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    signed_in: SignedIn,
    Segment(id): Segment,
) -> Outcome<StatusCode> {
    let unknown = || Error::not_found("API key not found");
    let key = id.parse().map_err(|_| unknown())?;
    if !store::api_keys::delete(&*platform.sql, signed_in.account.id, key).await? {
        return Err(unknown().into());
    }
    Ok(StatusCode::NO_CONTENT)
}
