//! What the health answers ask of the database.

use crate::{failure::failure, listed::count};
use domain::{Error, SessionKind};
use ports::Sql;

/// Asks the database for anything at all.
///
/// # Errors
/// What a failed statement means.
pub async fn probe(sql: &dyn Sql) -> Result<(), Error> {
    sql.execute("SELECT 1", Vec::new())
        .await
        .map(drop)
        .map_err(failure)
}

/// How many sessions of `kind` there are.
///
/// # Errors
/// What a failed statement means.
pub async fn count_sessions(sql: &dyn Sql, kind: SessionKind) -> Result<i64, Error> {
    const COUNT: &str = "SELECT COUNT(*) FROM sessions WHERE kind = ?1";
    let rows = sql
        .execute(COUNT, vec![kind.as_str().into()])
        .await
        .map_err(failure)?;
    count(&rows)
}
