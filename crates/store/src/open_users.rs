//! Users of the open chat.

use crate::failure::failure;
use domain::{Error, OpenEmail, OpenUser, OpenUsername, Timestamp, UserId};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// Stores a new user. `None` if its name is taken.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(
    sql: &dyn Sql,
    uuid: Uuid,
    username: &OpenUsername,
    email: Option<&OpenEmail>,
    now: i64,
) -> Result<Option<OpenUser>, Error> {
    const INSERT: &str = "INSERT INTO users (uuid, realm, username, email, created_at) \
         VALUES (?1, 'open', ?2, ?3, ?4) ON CONFLICT (realm, username) DO NOTHING RETURNING id";
    let parameters = vec![
        uuid.to_string().into(),
        username.as_str().into(),
        email.map(OpenEmail::as_str).into(),
        now.into(),
    ];
    let rows = sql.execute(INSERT, parameters).await.map_err(failure)?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(OpenUser {
        id: UserId(row.get(0).map_err(failure)?),
        username: username.as_str().to_owned(),
        email: email.map(|email| email.as_str().to_owned()),
        created_at: Timestamp(now),
    }))
}

/// The user of that name.
///
/// # Errors
/// What a failed statement means.
pub async fn by_name(sql: &dyn Sql, username: &str) -> Result<Option<OpenUser>, Error> {
    const SELECT: &str = "SELECT id, username, email, created_at FROM users \
         WHERE realm = 'open' AND username = ?1";
    first(sql, SELECT, username.into()).await
}

/// The user of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn by_id(sql: &dyn Sql, id: UserId) -> Result<Option<OpenUser>, Error> {
    const SELECT: &str = "SELECT id, username, email, created_at FROM users \
         WHERE realm = 'open' AND id = ?1";
    first(sql, SELECT, id.0.into()).await
}

async fn first(sql: &dyn Sql, select: &str, parameter: Value) -> Result<Option<OpenUser>, Error> {
    let rows = sql
        .execute(select, vec![parameter])
        .await
        .map_err(failure)?;
    rows.first().map(read).transpose().map_err(failure)
}

fn read(row: &Row) -> Result<OpenUser, SqlError> {
    Ok(OpenUser {
        id: UserId(row.get(0)?),
        username: row.get(1)?,
        email: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
    })
}
