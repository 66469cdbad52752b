//! Conversations of the open chat: sessions of kind `open`, whose owners are open users.

use crate::{
    Listed, Window,
    failure::failure,
    rows::first,
    sessions::{read, session_columns},
};
use domain::{Error, Session, SessionId, SessionTitle, UserId};
use ports::Sql;
use uuid::Uuid;

/// Stores a new conversation of `user`. `None` if there is no such open user.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(
    sql: &dyn Sql,
    uuid: Uuid,
    user: UserId,
    title: Option<&SessionTitle>,
    now: i64,
) -> Result<Option<Session>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO sessions (uuid, kind, user_id, title, created_at) \
         SELECT ?1, 'open', id, ?3, ?4 FROM users WHERE realm = 'open' AND id = ?2 RETURNING ",
        session_columns!()
    );
    let parameters = vec![
        uuid.to_string().into(),
        user.0.into(),
        title.map(SessionTitle::as_str).into(),
        now.into(),
    ];
    first(sql, INSERT, parameters, read).await
}

/// The conversation of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn by_id(sql: &dyn Sql, id: SessionId) -> Result<Option<Session>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE kind = 'open' AND id = ?1"
    );
    first(sql, SELECT, vec![id.0.into()], read).await
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
