//! Removing what ended long ago.

use crate::rows::count_of;
use domain::Error;
use ports::Sql;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long a login stays after its end, in milliseconds: 30 days.
pub const LOGIN_KEPT_MS: i64 = 30 * DAY_MS;

/// How long a verification stays after its end, in milliseconds: a day. Nothing asks for it any
/// more, and it may hold the name and the password's hash of somebody who never came.
pub const VERIFICATION_KEPT_MS: i64 = DAY_MS;

/// Rows that one statement removes at most, so that no other writer waits long.
const PORTION: usize = 500;

/// Portions that one sweep removes at most of a table.
const PORTIONS: usize = 20;

/// Removes tickets that ended, and verifications and logins that ended long ago, or part of them where there are very
/// many. Returns how many rows went.
///
/// # Errors
/// What a failed statement means; what was removed until then stays so.
pub async fn sweep(sql: &dyn Sql, now: i64) -> Result<usize, Error> {
    const VERIFICATIONS: &str = "DELETE FROM verifications WHERE id IN (\
             SELECT id FROM verifications WHERE expires_at < ?1 LIMIT ?2) RETURNING id";
    const TICKETS: &str = "DELETE FROM tickets WHERE hash IN (\
             SELECT hash FROM tickets WHERE expires_at < ?1 LIMIT ?2) RETURNING hash";
    const LOGINS: &str = "DELETE FROM logins WHERE id IN (\
             SELECT id FROM logins WHERE expires_at < ?1 OR revoked_at < ?1 LIMIT ?2) RETURNING id";
    Ok(
        remove(sql, VERIFICATIONS, now - VERIFICATION_KEPT_MS).await?
            + remove(sql, TICKETS, now).await?
            + remove(sql, LOGINS, now - LOGIN_KEPT_MS).await?,
    )
}

async fn remove(sql: &dyn Sql, delete: &str, before: i64) -> Result<usize, Error> {
    let mut removed = 0;
    for _ in 0..PORTIONS {
        let parameters = vec![before.into(), (PORTION as i64).into()];
        let portion = count_of(sql, delete, parameters).await?;
        removed += portion;
        if portion < PORTION {
            break;
        }
    }
    Ok(removed)
}
