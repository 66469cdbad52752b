//! Conversations of the `chat` contract: sessions of kind `open`. Their owners are open users, or
//! accounts where the open chat is off; neither sees the other's.

use crate::{
    Listed, Window,
    failure::failure,
    rows::first,
    sessions::{has_room, read, session_columns, unless_full},
};
use domain::{ConversationOwner, Error, Session, SessionId, SessionTitle, UserId};
use ports::{Sql, Value};
use uuid::Uuid;

/// The condition that a session is a conversation of an owner, who is in that [`parameter`].
macro_rules! is_of_owner {
    ($parameter:literal) => {
        concat!(
            "sessions.kind = 'open' AND CASE WHEN ",
            $parameter,
            " IS NULL THEN (SELECT realm FROM users WHERE users.id = sessions.user_id) = 'open' \
             ELSE sessions.user_id = ",
            $parameter,
            " END"
        )
    };
}
pub(crate) use is_of_owner;

/// The parameter of [`is_of_owner`].
pub(crate) fn parameter(owner: ConversationOwner) -> Value {
    match owner {
        ConversationOwner::OpenUsers => None::<i64>.into(),
        ConversationOwner::Account(id) => id.0.into(),
    }
}

/// Stores a new conversation of `user`, who has fewer than `most` sessions if they have an account;
/// open users, as many of whom as they like anybody can make, are not counted. `None` if `owner` is
/// not, or does not include, that user.
///
/// # Errors
/// A conflict when the account has as many, else what a failed statement means.
pub async fn insert(
    sql: &dyn Sql,
    uuid: Uuid,
    owner: ConversationOwner,
    user: UserId,
    title: Option<&SessionTitle>,
    now: i64,
    most: i64,
) -> Result<Option<Session>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO sessions (uuid, kind, user_id, title, created_at) \
         SELECT ?1, 'open', id, ?4, ?5 FROM users \
         WHERE id = ?2 AND CASE WHEN ?3 IS NULL THEN realm = 'open' ELSE id = ?3 AND ",
        has_room!("?3", "?6"),
        " END RETURNING ",
        session_columns!()
    );
    let parameters = vec![
        uuid.to_string().into(),
        user.0.into(),
        parameter(owner),
        title.map(SessionTitle::as_str).into(),
        now.into(),
        most.into(),
    ];
    let made = first(sql, INSERT, parameters, read).await?;
    match owner == ConversationOwner::Account(user) {
        true => unless_full(sql, user, most, made).await,
        false => Ok(made),
    }
}

/// The conversation of that number, if it is of `owner`.
///
/// # Errors
/// What a failed statement means.
pub async fn by_id(
    sql: &dyn Sql,
    owner: ConversationOwner,
    id: SessionId,
) -> Result<Option<Session>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE id = ?1 AND ",
        is_of_owner!("?2")
    );
    first(sql, SELECT, vec![id.0.into(), parameter(owner)], read).await
}

/// Conversations of `user`, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn of_user(
    sql: &dyn Sql,
    user: UserId,
    window: Window,
) -> Result<Listed<Session>, Error> {
    const COUNT: &str = "SELECT COUNT(*) FROM sessions WHERE user_id = ?1 AND kind = 'open'";
    const SELECT: &str = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions \
         WHERE user_id = ?1 AND kind = 'open' ORDER BY id DESC LIMIT ?2 OFFSET ?3"
    );
    let counted = sql
        .execute(COUNT, vec![user.0.into()])
        .await
        .map_err(failure)?;
    let parameters = vec![user.0.into(), window.limit.into(), window.skip.into()];
    let rows = sql.execute(SELECT, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}
