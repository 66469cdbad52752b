//! Conversations of the open chat: sessions of kind `open`, whose owners are open users.

use crate::{Listed, Window, failure::failure};
use domain::{Error, Session, SessionId, SessionTitle, Timestamp, UserId};
use ports::{Row, Sql, SqlError};
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
    const INSERT: &str = "INSERT INTO sessions (uuid, kind, user_id, title, created_at) \
         SELECT ?1, 'open', id, ?3, ?4 FROM users WHERE realm = 'open' AND id = ?2 \
         RETURNING id, user_id, title, created_at";
    let parameters = vec![
        uuid.to_string().into(),
        user.0.into(),
        title.map(SessionTitle::as_str).into(),
        now.into(),
    ];
    let rows = sql.execute(INSERT, parameters).await.map_err(failure)?;
    rows.first().map(read).transpose().map_err(failure)
}

/// The conversation of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn by_id(sql: &dyn Sql, id: SessionId) -> Result<Option<Session>, Error> {
    const SELECT: &str = "SELECT id, user_id, title, created_at FROM sessions \
         WHERE kind = 'open' AND id = ?1";
    let rows = sql
        .execute(SELECT, vec![id.0.into()])
        .await
        .map_err(failure)?;
    rows.first().map(read).transpose().map_err(failure)
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
    const SELECT: &str = "SELECT id, user_id, title, created_at FROM sessions \
         WHERE user_id = ?1 AND kind = 'open' ORDER BY id DESC LIMIT ?2 OFFSET ?3";
    let counted = sql
        .execute(COUNT, vec![user.0.into()])
        .await
        .map_err(failure)?;
    let parameters = vec![user.0.into(), window.limit.into(), window.skip.into()];
    let rows = sql.execute(SELECT, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

fn read(row: &Row) -> Result<Session, SqlError> {
    Ok(Session {
        id: SessionId(row.get(0)?),
        user_id: UserId(row.get(1)?),
        title: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
    })
}
