//! Which logins are over.

use crate::failure::failure;
use domain::{Error, LoginId};
use ports::Sql;

/// Those of `logins` that are no longer open: ended, expired, or not there at all.
///
/// # Errors
/// What a failed statement means.
pub async fn ended(sql: &dyn Sql, logins: &[LoginId], now: i64) -> Result<Vec<LoginId>, Error> {
    const SELECT: &str = "SELECT value FROM json_each(?1) WHERE value NOT IN ( \
             SELECT id FROM logins WHERE id IN (SELECT value FROM json_each(?1)) \
                 AND revoked_at IS NULL AND expires_at > ?2)";
    let asked: Vec<_> = logins.iter().map(ToString::to_string).collect();
    let asked = format!("[{}]", asked.join(","));
    let rows = sql
        .execute(SELECT, vec![asked.into(), now.into()])
        .await
        .map_err(failure)?;
    let ended = rows.iter().map(|row| row.get(0).map(LoginId));
    ended.collect::<Result<_, _>>().map_err(failure)
}
