//! How logins end before their time.

use super::NewLogin;
use crate::rows::count_of;
use domain::{Error, UserId};
use ports::Sql;
use uuid::Uuid;

/// How many logins an account may have open.
pub const OPEN_MOST: i64 = 100;

/// Ends those of an account that are open beyond [`OPEN_MOST`], the ones used longest ago; never
/// `new`, which was just opened. A use is the opening or a refresh. Returns how many.
///
/// # Errors
/// What a failed statement means.
pub(super) async fn revoke_beyond_most(sql: &dyn Sql, new: &NewLogin<'_>) -> Result<usize, Error> {
    const UPDATE: &str = "UPDATE logins SET revoked_at = ?3 WHERE id IN ( \
             SELECT id FROM logins \
             WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?3 \
             ORDER BY uuid = ?2 DESC, last_used_at DESC, id DESC LIMIT -1 OFFSET ?4) \
         RETURNING id";
    let parameters = vec![
        new.user.0.into(),
        new.uuid.to_string().into(),
        new.now.into(),
        OPEN_MOST.into(),
    ];
    count_of(sql, UPDATE, parameters).await
}

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
