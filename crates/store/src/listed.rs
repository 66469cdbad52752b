//! Lists in parts.

use crate::failure::failure;
use domain::Error;
use ports::{Row, Sql, SqlError, Value};

/// How many rows to pass over, and how many to return at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows passed over.
    pub skip: i64,
    /// Rows returned at most.
    pub limit: i64,
}

/// Part of a list, and how long the whole is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The part.
    pub items: Vec<T>,
    /// The length of the whole.
    pub total: i64,
}

impl<T> Listed<T> {
    /// The part in `rows`, of a whole that `counted` has counted.
    pub(crate) fn of(
        rows: &[Row],
        counted: &[Row],
        read: fn(&Row) -> Result<T, SqlError>,
    ) -> Result<Self, Error> {
        let items = rows.iter().map(read).collect::<Result<_, _>>();
        Ok(Self {
            items: items.map_err(failure)?,
            total: count(counted)?,
        })
    }
}

/// Part of what `select` gives, and how much that is; `count` counts it. Both take `parameters`;
/// `select` has two more at its end, for the window.
pub(crate) async fn listed<T>(
    sql: &dyn Sql,
    (count, select): (&str, &str),
    mut parameters: Vec<Value>,
    window: Window,
    read: fn(&Row) -> Result<T, SqlError>,
) -> Result<Listed<T>, Error> {
    let counted = sql.execute(count, parameters.clone()).await;
    let counted = counted.map_err(failure)?;
    parameters.extend([window.limit.into(), window.skip.into()]);
    let rows = sql.execute(select, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}

/// The number that a `SELECT COUNT(*)` gave.
pub(crate) fn count(counted: &[Row]) -> Result<i64, Error> {
    counted
        .first()
        .map_or(Ok(0), |row| row.get(0))
        .map_err(failure)
}
