//! How accounts begin: by a code that came back, or, the first administrator, by the operator.

use super::{account_columns, by_email, by_username, read};
use crate::rows::first;
use domain::{Account, AccountRole, Email, Error, Username};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What became of a new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is there.
    Done(Account),
    /// Another has its name.
    UsernameTaken,
    /// Another has its address.
    EmailTaken,
    /// What it was to be made of is no longer there: its code was used, or a newer sign-up took
    /// its place.
    Gone,
}

/// Makes the account that the sign-up `verification` asked for, once its code came back. Its
/// address counts as confirmed. Of several at once one makes it; the others find its address
/// taken. [`take`](crate::verifications::take) the sign-up afterwards.
///
/// # Errors
/// What a failed statement means.
pub async fn insert_verified(
    sql: &dyn Sql,
    verification: Uuid,
    uuid: Uuid,
    now: i64,
) -> Result<Inserted, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO users (uuid, realm, username, email, password_hash, role, created_at, \
             email_confirmed_at) \
         SELECT ?2, 'account', username, email, password_hash, ?4, ?3, ?3 FROM verifications \
         WHERE uuid = ?1 AND purpose = 'sign_up' AND expires_at > ?3 \
         ON CONFLICT DO NOTHING RETURNING ",
        account_columns!()
    );
    let parameters = vec![
        verification.to_string().into(),
        uuid.to_string().into(),
        now.into(),
        AccountRole::User.as_str().into(),
    ];
    match first(sql, INSERT, parameters, read).await? {
        Some(account) => Ok(Inserted::Done(account)),
        None => why_not_inserted(sql, verification, now).await,
    }
}

async fn why_not_inserted(sql: &dyn Sql, verification: Uuid, now: i64) -> Result<Inserted, Error> {
    const SELECT: &str = "SELECT EXISTS (SELECT 1 FROM users \
             WHERE realm = 'account' AND email = verifications.email) \
         FROM verifications WHERE uuid = ?1 AND purpose = 'sign_up' AND expires_at > ?2";
    let parameters = vec![verification.to_string().into(), now.into()];
    let taken = |row: &Row| -> Result<i64, SqlError> { row.get(0) };
    Ok(match first(sql, SELECT, parameters, taken).await? {
        None => Inserted::Gone,
        Some(0) => Inserted::UsernameTaken,
        Some(_) => Inserted::EmailTaken,
    })
}

/// An account that the operator makes.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Its name.
    pub username: &'a Username,
    /// Its address; it counts as confirmed.
    pub email: &'a Email,
    /// Its password's hash.
    pub password_hash: &'a str,
    /// When it is made.
    pub now: i64,
}

/// The mark in `done_once`.
const FIRST_ADMINISTRATOR: &str = "first_administrator";

/// Whether the first administrator is still to be made: ask before hashing a password for it.
///
/// # Errors
/// What a failed statement means.
pub async fn first_administrator_is_due(sql: &dyn Sql) -> Result<bool, Error> {
    const SELECT: &str = "SELECT 1 FROM done_once WHERE name = ?1";
    let done = first(sql, SELECT, vec![FIRST_ADMINISTRATOR.into()], |_| Ok(())).await?;
    Ok(done.is_none())
}

/// Makes the first administrator, once in the database's life: one that was deleted does not
/// come back. [`Inserted::Gone`] when that is done already. Where an ordinary account has the
/// name or the address nothing is made, and it stays due.
///
/// # Errors
/// What a failed statement means.
pub async fn insert_first_administrator(
    sql: &dyn Sql,
    account: &NewAccount<'_>,
) -> Result<Inserted, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO users (uuid, realm, username, email, password_hash, role, created_at, \
             email_confirmed_at) \
         SELECT ?1, 'account', ?2, ?3, ?4, ?5, ?6, ?6 \
         WHERE NOT EXISTS (SELECT 1 FROM done_once WHERE name = ?7) \
         ON CONFLICT DO NOTHING RETURNING ",
        account_columns!()
    );
    let parameters = vec![
        account.uuid.to_string().into(),
        account.username.as_str().into(),
        account.email.as_str().into(),
        account.password_hash.into(),
        AccountRole::Admin.as_str().into(),
        account.now.into(),
        FIRST_ADMINISTRATOR.into(),
    ];
    let inserted = first(sql, INSERT, parameters, read).await?;
    // After a crash in between, the next sign-in finds the account and sets the mark.
    mark_first_administrator(sql, account).await?;
    match inserted {
        Some(inserted) => Ok(Inserted::Done(inserted)),
        None => why_not_first(sql, account).await,
    }
}

async fn mark_first_administrator(sql: &dyn Sql, account: &NewAccount<'_>) -> Result<(), Error> {
    const MARK: &str = "INSERT INTO done_once (name, at) SELECT ?1, ?2 \
         WHERE EXISTS (SELECT 1 FROM users WHERE realm = 'account' AND role = ?3) \
         ON CONFLICT DO NOTHING";
    let parameters = vec![
        FIRST_ADMINISTRATOR.into(),
        account.now.into(),
        AccountRole::Admin.as_str().into(),
    ];
    first(sql, MARK, parameters, |_| Ok(())).await.map(drop)
}

async fn why_not_first(sql: &dyn Sql, account: &NewAccount<'_>) -> Result<Inserted, Error> {
    if !first_administrator_is_due(sql).await? {
        return Ok(Inserted::Gone);
    }
    if by_email(sql, account.email).await?.is_some() {
        return Ok(Inserted::EmailTaken);
    }
    Ok(match by_username(sql, account.username.as_str()).await? {
        Some(_) => Inserted::UsernameTaken,
        None => Inserted::Gone,
    })
}
