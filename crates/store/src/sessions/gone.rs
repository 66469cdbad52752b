//! Which sessions are no more.

use crate::{failure::failure, rows::uuid};
use domain::Error;
use ports::{Row, Sql};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Those of `sessions` that there are none of: deleted, or never made.
///
/// # Errors
/// What a failed statement means; then nobody knows, and nothing may be taken for gone.
pub async fn gone(sql: &dyn Sql, sessions: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    const SELECT: &str = "SELECT uuid FROM sessions \
         WHERE uuid IN (SELECT value FROM json_each(?1))";
    let asked: Vec<_> = sessions
        .iter()
        .map(|session| format!("\"{session}\""))
        .collect();
    let asked = format!("[{}]", asked.join(","));
    let rows = sql
        .execute(SELECT, vec![asked.into()])
        .await
        .map_err(failure)?;
    let there = rows.iter().map(|row: &Row| uuid(row, 0));
    let there: BTreeSet<Uuid> = there.collect::<Result<_, _>>().map_err(failure)?;
    let gone = sessions.iter().filter(|session| !there.contains(session));
    Ok(gone.copied().collect())
}
