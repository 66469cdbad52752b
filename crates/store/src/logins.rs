//! Logins. One that is ended is never opened again; who signs in once more gets a new one.

mod ended;
mod list;
mod revoke;
mod rotate;

pub use ended::ended;
pub use list::list_of_user;
pub use revoke::{OPEN_MOST, revoke, revoke_of_user, revoke_one_of_user};
pub use rotate::{GRACE_MS, Rotation, rotate};

use crate::{
    accounts::{self, ACCOUNT_COLUMNS, account_columns},
    rows::{count_of, first, known, uuid},
};
use domain::{Account, Audience, Error, Login, LoginId, Timestamp, UserId};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// What [`read_at`] reads.
macro_rules! login_columns {
    () => {
        "logins.id, logins.uuid, logins.audience, logins.created_at, logins.last_used_at, \
         logins.expires_at, logins.user_agent, logins.address"
    };
}
pub(crate) use login_columns;

/// The most letters that are kept of a client's name and of its address.
const NAME_LENGTH: i64 = 256;

/// A login that is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct NewLogin<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// Where it is opened.
    pub audience: Audience,
    /// When it is opened.
    pub now: i64,
    /// When it ends by itself.
    pub expires_at: i64,
    /// What the client calls itself; a long name is cut.
    pub user_agent: Option<&'a str>,
    /// The client's address.
    pub address: Option<&'a str>,
}

/// Opens a login with a password that fits the hash `seen`. `None` when the account is gone or
/// has another hash by now: the password was changed meanwhile, so it opens nothing. One more
/// than [`OPEN_MOST`] ends the one used longest ago.
///
/// # Errors
/// What a failed statement means.
pub async fn open(sql: &dyn Sql, login: &NewLogin<'_>, seen: &str) -> Result<Option<Login>, Error> {
    open_if(sql, login, Some(seen)).await
}

/// Opens a login without a password: with a code or an API key. `None` when the account is gone.
/// One more than [`OPEN_MOST`] ends the one used longest ago.
///
/// # Errors
/// What a failed statement means.
pub async fn open_without_password(
    sql: &dyn Sql,
    login: &NewLogin<'_>,
) -> Result<Option<Login>, Error> {
    open_if(sql, login, None).await
}

async fn open_if(
    sql: &dyn Sql,
    login: &NewLogin<'_>,
    seen: Option<&str>,
) -> Result<Option<Login>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO logins (uuid, user_id, audience, created_at, last_used_at, expires_at, \
             user_agent, address) \
         SELECT ?1, id, ?3, ?4, ?4, ?5, SUBSTR(?6, 1, ?8), SUBSTR(?7, 1, ?8) FROM users \
         WHERE realm = 'account' AND id = ?2 AND (?9 IS NULL OR password_hash = ?9) RETURNING ",
        login_columns!()
    );
    let parameters = vec![
        login.uuid.to_string().into(),
        login.user.0.into(),
        login.audience.as_str().into(),
        login.now.into(),
        login.expires_at.into(),
        login.user_agent.into(),
        login.address.into(),
        NAME_LENGTH.into(),
        seen.into(),
    ];
    let opened = first(sql, INSERT, parameters, read).await?;
    if opened.is_some() {
        revoke::revoke_beyond_most(sql, login).await?;
    }
    Ok(opened)
}

/// The login of an access token and its account; `None` when the login was ended, has expired,
/// or is not that account's. Every request with a token asks this, in one query: that is how an
/// ended login is refused everywhere at once.
///
/// # Errors
/// What a failed statement means.
pub async fn current(
    sql: &dyn Sql,
    login: Uuid,
    user: Uuid,
    now: i64,
) -> Result<Option<(Account, Login)>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        account_columns!(),
        ", ",
        login_columns!(),
        " FROM logins JOIN users ON users.id = logins.user_id \
         WHERE logins.uuid = ?1 AND users.uuid = ?2 AND users.realm = 'account' \
             AND logins.revoked_at IS NULL AND logins.expires_at > ?3"
    );
    let parameters = vec![
        login.to_string().into(),
        user.to_string().into(),
        now.into(),
    ];
    first(sql, SELECT, parameters, read_both).await
}

/// Extends a login until `expires_at`, for a refresh that does not rotate. `None` when it was
/// ended or has expired.
///
/// # Errors
/// What a failed statement means.
pub async fn touch(
    sql: &dyn Sql,
    login: Uuid,
    now: i64,
    expires_at: i64,
) -> Result<Option<(Account, Login)>, Error> {
    const UPDATE: &str = "UPDATE logins \
         SET last_used_at = MAX(last_used_at, ?2), expires_at = MAX(expires_at, ?3) \
         WHERE uuid = ?1 AND revoked_at IS NULL AND expires_at > ?2 RETURNING id";
    let parameters = vec![login.to_string().into(), now.into(), expires_at.into()];
    if count_of(sql, UPDATE, parameters).await? == 0 {
        return Ok(None);
    }
    with_account(sql, login, now).await
}

/// A login that is open, and its account.
async fn with_account(
    sql: &dyn Sql,
    login: Uuid,
    now: i64,
) -> Result<Option<(Account, Login)>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        account_columns!(),
        ", ",
        login_columns!(),
        " FROM logins JOIN users ON users.id = logins.user_id \
         WHERE logins.uuid = ?1 AND users.realm = 'account' \
             AND logins.revoked_at IS NULL AND logins.expires_at > ?2"
    );
    let parameters = vec![login.to_string().into(), now.into()];
    first(sql, SELECT, parameters, read_both).await
}

fn read_both(row: &Row) -> Result<(Account, Login), SqlError> {
    Ok((accounts::read(row)?, read_at(row, ACCOUNT_COLUMNS)?))
}

fn read(row: &Row) -> Result<Login, SqlError> {
    read_at(row, 0)
}

pub(crate) fn read_at(row: &Row, start: usize) -> Result<Login, SqlError> {
    Ok(Login {
        id: LoginId(row.get(start)?),
        uuid: uuid(row, start + 1)?,
        audience: known(row, start + 2, Audience::parse)?,
        created_at: Timestamp(row.get(start + 3)?),
        last_used_at: Timestamp(row.get(start + 4)?),
        expires_at: Timestamp(row.get(start + 5)?),
        user_agent: row.get(start + 6)?,
        address: row.get(start + 7)?,
    })
}
