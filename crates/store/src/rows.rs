//! Rows as values.

use crate::failure::failure;
use domain::{Error, Timestamp};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// Runs `statement` and reads its first row, if it gave one.
pub(crate) async fn first<T>(
    sql: &dyn Sql,
    statement: &str,
    parameters: Vec<Value>,
    read: fn(&Row) -> Result<T, SqlError>,
) -> Result<Option<T>, Error> {
    let rows = sql.execute(statement, parameters).await.map_err(failure)?;
    rows.first().map(read).transpose().map_err(failure)
}

/// Runs `statement` and reads all its rows.
pub(crate) async fn all<T>(
    sql: &dyn Sql,
    statement: &str,
    parameters: Vec<Value>,
    read: fn(&Row) -> Result<T, SqlError>,
) -> Result<Vec<T>, Error> {
    let rows = sql.execute(statement, parameters).await.map_err(failure)?;
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(failure)
}

/// Runs `statement` and says how many rows it gave.
pub(crate) async fn count_of(
    sql: &dyn Sql,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<usize, Error> {
    let rows = sql.execute(statement, parameters).await;
    rows.map(|rows| rows.len()).map_err(failure)
}

/// A column of few words.
pub(crate) fn known<T>(
    row: &Row,
    column: usize,
    parse: fn(&str) -> Option<T>,
) -> Result<T, SqlError> {
    parse(&row.get::<String>(column)?).ok_or(SqlError::Shape { column })
}

/// A column of UUIDs.
pub(crate) fn uuid(row: &Row, column: usize) -> Result<Uuid, SqlError> {
    known(row, column, |text| Uuid::parse_str(text).ok())
}

/// A column of instants, or of none.
pub(crate) fn instant(row: &Row, column: usize) -> Result<Option<Timestamp>, SqlError> {
    Ok(row.get::<Option<i64>>(column)?.map(Timestamp))
}

/// A column of 0 or 1.
pub(crate) fn flag(row: &Row, column: usize) -> Result<bool, SqlError> {
    Ok(row.get::<i64>(column)? != 0)
}
