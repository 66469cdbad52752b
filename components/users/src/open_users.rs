//! New open users: `POST /users/` of the `chat` contract.

use axum::extract::State;
use contracts::chat::{User, UserCreate};
use domain::{Error, ErrorKind, OpenEmail, OpenUsername};
use ports::Platform;
use web::{Json, OpenChat, Outcome, Valid, new_uuid, parsed};

pub(crate) async fn create(
    State(platform): State<Platform>,
    _: OpenChat,
    Valid(body): Valid<UserCreate>,
) -> Outcome<Json<User>> {
    Ok(Json(register(&platform, &body).await?.into()))
}

async fn register(platform: &Platform, body: &UserCreate) -> Result<domain::OpenUser, Error> {
    let username = parsed("username", OpenUsername::parse(&body.username))?;
    let email = parsed(
        "email",
        body.email.as_deref().map(OpenEmail::parse).transpose(),
    )?;
    let now = platform.clock.now();
    store::open_users::insert(
        &*platform.sql,
        new_uuid(platform),
        &username,
        email.as_ref(),
        now,
    )
    .await?
    .ok_or_else(|| Error::new(ErrorKind::Refused, "Username already registered"))
}
