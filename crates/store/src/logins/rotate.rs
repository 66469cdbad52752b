//! Rotation of refresh tokens.
//!
//! A login has one live generation. Using it makes the next one live. A used one that comes
//! again within [`GRACE_MS`] of its use is a client that did not hear the answer, or asked twice
//! at once: it is told the same successor. Later it is a thief, or the client after a thief, and
//! nobody can tell which: the login ends.

use super::with_account;
use crate::rows::first;
use domain::{Account, Error, Login};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// How long after its use a generation is told its successor again, in milliseconds.
pub const GRACE_MS: i64 = 10_000;

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The login goes on.
    Rotated {
        /// The generation that comes after the one that was offered, whoever offers it.
        successor: i64,
        /// The account.
        account: Box<Account>,
        /// The login.
        login: Login,
    },
    /// The generation was used before, too long ago: the login has just been ended.
    Reused,
    /// There is no such login, or it was ended or has expired, or never had this generation.
    Gone,
}

/// Uses `generation` of `login`, which lasts until `expires_at` from then on. One statement
/// decides, so that of several at once one makes the successor and all are told of it.
///
/// # Errors
/// What a failed statement means.
pub async fn rotate(
    sql: &dyn Sql,
    login: Uuid,
    generation: i64,
    now: i64,
    expires_at: i64,
) -> Result<Rotation, Error> {
    // In an UPDATE every expression sees the row as it was before.
    const UPDATE: &str = "\
        UPDATE logins SET \
            generation = generation + (generation = ?2), \
            rotated_before = CASE WHEN generation = ?2 THEN rotated_at ELSE rotated_before END, \
            rotated_at = CASE WHEN generation = ?2 THEN ?3 ELSE rotated_at END, \
            last_used_at = CASE WHEN generation = ?2 THEN ?3 ELSE last_used_at END, \
            expires_at = CASE WHEN generation = ?2 THEN ?4 ELSE expires_at END, \
            revoked_at = CASE \
                WHEN generation = ?2 THEN NULL \
                WHEN generation - 1 = ?2 AND ?3 - rotated_at <= ?5 THEN NULL \
                WHEN generation - 2 = ?2 AND ?3 - rotated_before <= ?5 THEN NULL \
                ELSE ?3 END \
        WHERE uuid = ?1 AND ?2 BETWEEN 0 AND generation \
            AND revoked_at IS NULL AND expires_at > ?3 \
        RETURNING revoked_at IS NOT NULL";
    let parameters = vec![
        login.to_string().into(),
        generation.into(),
        now.into(),
        expires_at.into(),
        GRACE_MS.into(),
    ];
    let reused = |row: &Row| -> Result<i64, SqlError> { row.get(0) };
    match first(sql, UPDATE, parameters, reused).await? {
        None => Ok(Rotation::Gone),
        Some(0) => Ok(match with_account(sql, login, now).await? {
            Some((account, login)) => Rotation::Rotated {
                successor: generation + 1,
                account: Box::new(account),
                login,
            },
            // Ended between the two statements.
            None => Rotation::Gone,
        }),
        Some(_) => Ok(Rotation::Reused),
    }
}
