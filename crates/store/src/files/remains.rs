//! Bytes whose row is gone.

use crate::rows::{all, count_of, known, uuid};
use domain::{Error, FilePlace};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// Bytes whose row is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// What they are under.
    pub uuid: Uuid,
    /// Where they are.
    pub place: FilePlace,
}

/// Bytes at `place` whose row is gone, at most `most`: the first ones behind `after`.
///
/// # Errors
/// What a failed statement means.
pub async fn remains(
    sql: &dyn Sql,
    place: FilePlace,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Remains>, Error> {
    const SELECT: &str = "SELECT uuid, place FROM file_remains \
         WHERE place = ?1 AND uuid > ?2 ORDER BY uuid LIMIT ?3";
    let read = |row: &Row| -> Result<Remains, SqlError> {
        Ok(Remains {
            uuid: uuid(row, 0)?,
            place: known(row, 1, FilePlace::parse)?,
        })
    };
    let after = after.map(|uuid| uuid.to_string()).unwrap_or_default();
    let parameters = vec![place.as_str().into(), after.into(), most.into()];
    all(sql, SELECT, parameters, read).await
}

/// Notes that bytes are gone too.
///
/// # Errors
/// What a failed statement means.
pub async fn buried(sql: &dyn Sql, uuid: Uuid) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM file_remains WHERE uuid = ?1 RETURNING uuid";
    count_of(sql, DELETE, vec![uuid.to_string().into()])
        .await
        .map(drop)
}

/// Gives up files that were announced before `before` and whose bytes never came. Returns how many.
///
/// # Errors
/// What a failed statement means.
pub async fn abandon(sql: &dyn Sql, before: i64) -> Result<usize, Error> {
    const DELETE: &str =
        "DELETE FROM files WHERE stored_at IS NULL AND created_at < ?1 RETURNING id";
    count_of(sql, DELETE, vec![before.into()]).await
}
