//! A user's open logins.

use super::{login_columns, read};
use crate::{Listed, Window, failure::failure};
use domain::{Error, Login, UserId};
use ports::Sql;

/// Logins of `user` that are neither ended nor expired, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn list_of_user(
    sql: &dyn Sql,
    user: UserId,
    now: i64,
    window: Window,
) -> Result<Listed<Login>, Error> {
    const COUNT: &str = "SELECT COUNT(*) FROM logins \
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2";
    const SELECT: &str = concat!(
        "SELECT ",
        login_columns!(),
        " FROM logins WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 \
         ORDER BY id DESC LIMIT ?3 OFFSET ?4"
    );
    let mut parameters = vec![user.0.into(), now.into()];
    let counted = sql
        .execute(COUNT, parameters.clone())
        .await
        .map_err(failure)?;
    parameters.extend([window.limit.into(), window.skip.into()]);
    let rows = sql.execute(SELECT, parameters).await.map_err(failure)?;
    Listed::of(&rows, &counted, read)
}
