//! Accounts: users of the realm `account`.

mod change;
mod delete;
mod insert;

pub use change::{Changed, ProfileChange};
pub use change::{
    change_email, hide_picture, replace_password, set_password, show_picture, update_profile,
};
pub use delete::delete;
pub use insert::{Inserted, NewAccount};
pub use insert::{first_administrator_is_due, insert_first_administrator, insert_verified};

use crate::rows::{first, instant, known, uuid};
use domain::{Account, AccountRole, Email, Error, SessionKind, Timestamp, UserId};
use ports::{Row, Sql, SqlError, Value};

/// What [`read`] reads.
macro_rules! account_columns {
    () => {
        "users.id, users.uuid, users.username, users.email, users.role, users.display_name, \
         users.bio, users.avatar_url, users.created_at, users.email_confirmed_at"
    };
}
pub(crate) use account_columns;

/// How many columns [`read`] reads: what comes after them begins here.
pub(crate) const ACCOUNT_COLUMNS: usize = 10;

/// A `SELECT` of accounts where something is so.
macro_rules! select {
    ($where:literal) => {
        concat!(
            "SELECT ",
            account_columns!(),
            ", users.password_hash FROM users WHERE realm = 'account' AND ",
            $where
        )
    };
}

const BY_ID: &str = select!("id = ?1");
const BY_USERNAME: &str = select!("username = ?1 COLLATE NOCASE");
const BY_EMAIL: &str = select!("email = ?1");

/// The account of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn by_id(sql: &dyn Sql, id: UserId) -> Result<Option<Account>, Error> {
    first(sql, BY_ID, vec![id.0.into()], read).await
}

/// The account of that name, in whatever case it is written.
///
/// # Errors
/// What a failed statement means.
pub async fn by_username(sql: &dyn Sql, username: &str) -> Result<Option<Account>, Error> {
    first(sql, BY_USERNAME, vec![username.into()], read).await
}

/// The account of that address.
///
/// # Errors
/// What a failed statement means.
pub async fn by_email(sql: &dyn Sql, email: &Email) -> Result<Option<Account>, Error> {
    first(sql, BY_EMAIL, vec![email.as_str().into()], read).await
}

/// The account of that number and its password's hash.
///
/// # Errors
/// What a failed statement means.
pub async fn credentials_by_id(
    sql: &dyn Sql,
    id: UserId,
) -> Result<Option<(Account, String)>, Error> {
    credentials(sql, BY_ID, id.0.into()).await
}

/// The account of that name, in whatever case it is written, and its password's hash.
///
/// # Errors
/// What a failed statement means.
pub async fn credentials_by_username(
    sql: &dyn Sql,
    username: &str,
) -> Result<Option<(Account, String)>, Error> {
    credentials(sql, BY_USERNAME, username.into()).await
}

/// The account of that address and its password's hash.
///
/// # Errors
/// What a failed statement means.
pub async fn credentials_by_email(
    sql: &dyn Sql,
    email: &Email,
) -> Result<Option<(Account, String)>, Error> {
    credentials(sql, BY_EMAIL, email.as_str().into()).await
}

async fn credentials(
    sql: &dyn Sql,
    select: &str,
    parameter: Value,
) -> Result<Option<(Account, String)>, Error> {
    let read = |row: &Row| Ok((read(row)?, row.get(ACCOUNT_COLUMNS)?));
    first(sql, select, vec![parameter], read).await
}

/// What an account has made on the studio contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its workflows.
    pub workflows: i64,
    /// Its sessions.
    pub sessions: i64,
}

/// Counts what `user` has made on the studio contract.
///
/// # Errors
/// What a failed statement means.
pub async fn counts(sql: &dyn Sql, user: UserId) -> Result<Counts, Error> {
    const COUNT: &str = "SELECT (SELECT COUNT(*) FROM workflows WHERE user_id = ?1), \
         (SELECT COUNT(*) FROM sessions WHERE user_id = ?1 AND kind = ?2)";
    let parameters = vec![user.0.into(), SessionKind::Studio.as_str().into()];
    let read = |row: &Row| -> Result<Counts, SqlError> {
        Ok(Counts {
            workflows: row.get(0)?,
            sessions: row.get(1)?,
        })
    };
    let counts = first(sql, COUNT, parameters, read).await?;
    Ok(counts.unwrap_or_default())
}

pub(crate) fn read(row: &Row) -> Result<Account, SqlError> {
    Ok(Account {
        id: UserId(row.get(0)?),
        uuid: uuid(row, 1)?,
        username: row.get(2)?,
        email: row.get(3)?,
        role: known(row, 4, AccountRole::parse)?,
        display_name: row.get(5)?,
        bio: row.get(6)?,
        avatar_url: row.get(7)?,
        created_at: Timestamp(row.get(8)?),
        email_confirmed_at: instant(row, 9)?,
    })
}
