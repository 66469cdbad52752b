//! Lists in parts.

use crate::failure::failure;
use domain::Error;
use ports::{Row, SqlError};

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

/// The number that a `SELECT COUNT(*)` gave.
pub(crate) fn count(counted: &[Row]) -> Result<i64, Error> {
    counted
        .first()
        .map_or(Ok(0), |row| row.get(0))
        .map_err(failure)
}
