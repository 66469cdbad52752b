//! How logins end before their time.

use crate::rows::count_of;
use domain::{Error, UserId};
use ports::Sql;
use uuid::Uuid;

/// Ends a login. `false` when there is none, or it was ended before.
///
/// # Errors
/// What a failed statement means.
pub async fn revoke(sql: &dyn Sql, login: Uuid, now: i64) -> Result<bool, Error> {
    const UPDATE: &str =
        "UPDATE logins SET revoked_at = ?2 WHERE uuid = ?1 AND revoked_at IS NULL RETURNING id";
    let parameters = vec![login.to_string().into(), now.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// Ends a login if it is `user`'s. `false` when it is not, or there is none, or it was ended
/// before.
///
/// # Errors
/// What a failed statement means.
pub async fn revoke_one_of_user(
    sql: &dyn Sql,
    user: UserId,
    login: Uuid,
    now: i64,
) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE logins SET revoked_at = ?3 \
         WHERE uuid = ?1 AND user_id = ?2 AND revoked_at IS NULL RETURNING id";
    let parameters = vec![login.to_string().into(), user.0.into(), now.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// Ends all logins of `user`, or all but one. Returns how many.
///
/// # Errors
/// What a failed statement means.
pub async fn revoke_of_user(
    sql: &dyn Sql,
    user: UserId,
    except: Option<Uuid>,
    now: i64,
) -> Result<usize, Error> {
    const UPDATE: &str = "UPDATE logins SET revoked_at = ?3 \
         WHERE user_id = ?1 AND uuid IS NOT ?2 AND revoked_at IS NULL RETURNING id";
    let except = except.map(|login| login.to_string());
    count_of(sql, UPDATE, vec![user.0.into(), except.into(), now.into()]).await
}
