//! How accounts end.

use crate::rows::count_of;
use domain::{Error, UserId};
use ports::Sql;

/// Deletes an account and all that hangs on it. `false` when there is none.
///
/// It takes several statements, the account's own row last, so that one that was cut short can
/// be repeated; the logins go first, so that nobody uses it meanwhile. Nothing relies on the
/// database to follow its foreign keys: a remote one may not.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(sql: &dyn Sql, user: UserId) -> Result<bool, Error> {
    for statement in [
        "DELETE FROM logins WHERE user_id = (SELECT id FROM users \
             WHERE id = ?1 AND realm = 'account')",
        "DELETE FROM tickets WHERE user_id = ?1",
        "DELETE FROM api_keys WHERE user_id = ?1",
        "DELETE FROM verifications WHERE user_id = ?1",
        "DELETE FROM messages WHERE session_id IN (SELECT sessions.id FROM sessions \
             JOIN users ON users.id = sessions.user_id \
             WHERE sessions.user_id = ?1 AND users.realm = 'account')",
        "DELETE FROM favorites WHERE user_id = ?1",
        "DELETE FROM workflows WHERE user_id = ?1",
        "DELETE FROM files WHERE user_id = ?1",
        "DELETE FROM sessions WHERE user_id = (SELECT id FROM users \
             WHERE id = ?1 AND realm = 'account')",
    ] {
        count_of(sql, statement, vec![user.0.into()]).await?;
    }
    const DELETE: &str = "DELETE FROM users WHERE realm = 'account' AND id = ?1 RETURNING id";
    Ok(count_of(sql, DELETE, vec![user.0.into()]).await? > 0)
}
