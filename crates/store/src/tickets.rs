//! Tickets: what a page shows in place of its token to open a socket, once.
//!
//! Invariant: a ticket is used by the one statement that removes it, so that of several uses at
//! once one succeeds.

use crate::{
    accounts::{self, ACCOUNT_COLUMNS, account_columns},
    logins::{login_columns, read_at},
    rows::{count_of, first},
};
use domain::{Account, Error, Login, LoginId, Timestamp, UserId};
use ports::{Row, Sql, SqlError};

/// How many tickets that are good an account may have.
pub const MOST: i64 = 100;

/// A ticket that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewTicket<'a> {
    /// What is stored of it.
    pub hash: &'a str,
    /// Whose it is.
    pub user: UserId,
    /// The login that asks for it.
    pub login: LoginId,
    /// When that login's token ends.
    pub token_expires_at: Timestamp,
    /// When it is made.
    pub now: i64,
    /// When it ends.
    pub expires_at: i64,
}

/// Stores a ticket, and removes those of the account that ended. `false` when the account has
/// [`MOST`].
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, ticket: &NewTicket<'_>) -> Result<bool, Error> {
    const DELETE: &str =
        "DELETE FROM tickets WHERE user_id = ?1 AND expires_at <= ?2 RETURNING hash";
    const INSERT: &str = "\
        INSERT INTO tickets (hash, user_id, login_id, token_expires_at, expires_at) \
        SELECT ?1, ?2, ?3, ?4, ?6 \
        WHERE (SELECT COUNT(*) FROM tickets WHERE user_id = ?2 AND expires_at > ?5) < ?7 \
        RETURNING hash";
    count_of(sql, DELETE, vec![ticket.user.0.into(), ticket.now.into()]).await?;
    let parameters = vec![
        ticket.hash.into(),
        ticket.user.0.into(),
        ticket.login.0.into(),
        ticket.token_expires_at.0.into(),
        ticket.now.into(),
        ticket.expires_at.into(),
        MOST.into(),
    ];
    Ok(count_of(sql, INSERT, parameters).await? > 0)
}

/// Whose a ticket was.
#[derive(Clone, Debug)]
pub struct Used {
    /// The account.
    pub account: Account,
    /// The login that asked for the ticket.
    pub login: Login,
    /// When that login's token ends.
    pub token_expires_at: Timestamp,
}

/// Uses a ticket up. `None` when there is none, it has ended or was used before, or the login
/// that asked for it or its token has ended meanwhile.
///
/// # Errors
/// What a failed statement means.
pub async fn take(sql: &dyn Sql, hash: &str, now: i64) -> Result<Option<Used>, Error> {
    const DELETE: &str = "DELETE FROM tickets WHERE hash = ?1 AND expires_at > ?2 \
        RETURNING login_id, user_id, token_expires_at";
    const SELECT: &str = concat!(
        "SELECT ",
        account_columns!(),
        ", ",
        login_columns!(),
        " FROM logins JOIN users ON users.id = logins.user_id \
         WHERE logins.id = ?1 AND users.id = ?2 AND users.realm = 'account' \
             AND logins.revoked_at IS NULL AND logins.expires_at > ?3"
    );
    let ids = |row: &Row| -> Result<(i64, i64, i64), SqlError> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    };
    let taken = first(sql, DELETE, vec![hash.into(), now.into()], ids).await?;
    let Some((login, user, token_expires_at)) = taken.filter(|taken| taken.2 > now) else {
        return Ok(None);
    };
    let both = |row: &Row| Ok((accounts::read(row)?, read_at(row, ACCOUNT_COLUMNS)?));
    let parameters = vec![login.into(), user.into(), now.into()];
    let found = first(sql, SELECT, parameters, both).await?;
    Ok(found.map(|(account, login)| Used {
        account,
        login,
        token_expires_at: Timestamp(token_expires_at),
    }))
}
