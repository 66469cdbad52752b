//! API keys. The database holds their hashes alone.

use crate::{
    Listed, Window, accounts,
    failure::failure,
    rows::{count_of, first, instant, uuid},
};
use domain::{Account, ApiKey, ApiKeyId, ApiKeyName, Error, Timestamp, UserId};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// How many keys an account may have.
pub const MOST_KEYS: i64 = 50;

/// What [`read`] reads.
macro_rules! columns {
    () => {
        "id, uuid, name, prefix, created_at, last_used_at"
    };
}

/// A key that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewApiKey<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: &'a ApiKeyName,
    /// Its hash.
    pub hash: &'a str,
    /// How it begins.
    pub prefix: &'a str,
    /// When it is made.
    pub now: i64,
}

/// Stores a key. `None` when the account has [`MOST_KEYS`] already, or is gone.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, key: &NewApiKey<'_>) -> Result<Option<ApiKey>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO api_keys (uuid, user_id, name, hash, prefix, created_at) \
         SELECT ?1, id, ?3, ?4, ?5, ?6 FROM users WHERE realm = 'account' AND id = ?2 \
             AND (SELECT COUNT(*) FROM api_keys WHERE user_id = ?2) < ?7 RETURNING ",
        columns!()
    );
    let parameters = vec![
        key.uuid.to_string().into(),
        key.user.0.into(),
        key.name.as_str().into(),
        key.hash.into(),
        key.prefix.into(),
        key.now.into(),
        MOST_KEYS.into(),
    ];
    first(sql, INSERT, parameters, read).await
}

/// Keys of `user`, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn list(sql: &dyn Sql, user: UserId, window: Window) -> Result<Listed<ApiKey>, Error> {
    const COUNT: &str = "SELECT COUNT(*) FROM api_keys WHERE user_id = ?1";
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM api_keys WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3"
    );
    let counted = sql
        .execute(COUNT, vec![user.0.into()])
        .await
        .map_err(failure)?;
    let parameters = vec![user.0.into(), window.limit.into(), window.skip.into()];
    let rows = sql.execute(SELECT, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// Deletes a key if it is `user`'s. `false` when it is not, or there is none.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, user: UserId, key: Uuid) -> Result<bool, Error> {
    const DELETE: &str = "DELETE FROM api_keys WHERE uuid = ?1 AND user_id = ?2 RETURNING id";
    let parameters = vec![key.to_string().into(), user.0.into()];
    Ok(count_of(sql, DELETE, parameters).await? > 0)
}

/// Deletes all keys of `user`. Returns how many.
///
/// # Errors
/// What a failed statement means.
pub async fn delete_of_user(sql: &dyn Sql, user: UserId) -> Result<usize, Error> {
    const DELETE: &str = "DELETE FROM api_keys WHERE user_id = ?1 RETURNING id";
    count_of(sql, DELETE, vec![user.0.into()]).await
}

/// The account of the key with that hash, which counts as used.
///
/// # Errors
/// What a failed statement means.
pub async fn by_hash(sql: &dyn Sql, hash: &str, now: i64) -> Result<Option<Account>, Error> {
    const UPDATE: &str = "UPDATE api_keys SET last_used_at = ?2 WHERE hash = ?1 RETURNING user_id";
    let user = |row: &Row| -> Result<i64, SqlError> { row.get(0) };
    match first(sql, UPDATE, vec![hash.into(), now.into()], user).await? {
        Some(user) => accounts::by_id(sql, UserId(user)).await,
        None => Ok(None),
    }
}

fn read(row: &Row) -> Result<ApiKey, SqlError> {
    Ok(ApiKey {
        id: ApiKeyId(row.get(0)?),
        uuid: uuid(row, 1)?,
        name: row.get(2)?,
        prefix: row.get(3)?,
        created_at: Timestamp(row.get(4)?),
        last_used_at: instant(row, 5)?,
    })
}
