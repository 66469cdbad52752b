//! Which sessions are no more.

use crate::{failure::failure, rows::uuid};
use domain::Error;
use ports::Sql;
use uuid::Uuid;

/// Those of `sessions` that there are none of: deleted, or never made.
///
/// # Errors
/// What a failed statement means; then nobody knows, and nothing may be taken for gone.
pub async fn gone(sql: &dyn Sql, sessions: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    const SELECT: &str = "SELECT value FROM json_each(?1) WHERE value NOT IN ( \
             SELECT uuid FROM sessions WHERE uuid IN (SELECT value FROM json_each(?1)))";
    let asked: Vec<_> = sessions
        .iter()
        .map(|session| format!("\"{session}\""))
        .collect();
    let asked = format!("[{}]", asked.join(","));
    let rows = sql
        .execute(SELECT, vec![asked.into()])
        .await
        .map_err(failure)?;
    let gone = rows.iter().map(|row| uuid(row, 0));
    gone.collect::<Result<_, _>>().map_err(failure)
}
