//! Open users: `POST /users/` and `GET /users/{username}` of the `chat` contract.

use axum::extract::State;
use contracts::chat::{User, UserCreate};
use domain::{Error, ErrorKind, OpenEmail, OpenUsername};
use ports::Platform;
use web::{Bearer, Json, OpenChat, Outcome, Segment, Valid, new_uuid};

pub(crate) async fn create(
    State(platform): State<Platform>,
    _: OpenChat,
    Valid(body): Valid<UserCreate>,
) -> Outcome<Json<User>> {
    Ok(Json(register(&platform, &body).await?.into()))
}

pub(crate) async fn by_name(
    State(platform): State<Platform>,
    Bearer(token): Bearer,
    _: OpenChat,
    Segment(username): Segment,
) -> Outcome<Json<User>> {
    if token.is_some() {
        // With a token the path belongs to the accounts, of which there are none yet.
        return Err(Error::new(ErrorKind::Unauthenticated, "Invalid token").into());
    }
    let user = store::open_users::by_name(&*platform.sql, &username).await?;
    let user = user.ok_or_else(|| Error::not_found("User not found"))?;
    Ok(Json(user.into()))
}

async fn register(platform: &Platform, body: &UserCreate) -> Result<domain::OpenUser, Error> {
    let invalid = |field: &str| {
        let field = field.to_owned();
        move |message: &'static str| Error::invalid_field(field, message)
    };
    let username = OpenUsername::parse(&body.username).map_err(invalid("username"))?;
    let email = body
        .email
        .as_deref()
        .map(OpenEmail::parse)
        .transpose()
        .map_err(invalid("email"))?;
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
