//! Codes sent by mail that did not come back yet. There is one for each purpose and address, and
//! one change of address for each user: a new request takes the place of the old.

use crate::rows::{count_of, first, known, uuid};
use domain::{Email, Error, Purpose, UserId, Username};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// How many codes may be tried against one that was sent.
pub const MOST_TRIES: i64 = 5;

/// What a code will confirm.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A new account.
    SignUp {
        /// Its name.
        username: &'a Username,
        /// Its password's hash.
        password_hash: &'a str,
    },
    /// That the account's owner may set a new password.
    PasswordReset(UserId),
    /// A new address of the account.
    EmailChange(UserId),
}

impl Subject<'_> {
    /// The purpose of its code.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::SignUp { .. } => Purpose::SignUp,
            Self::PasswordReset(_) => Purpose::PasswordReset,
            Self::EmailChange(_) => Purpose::EmailChange,
        }
    }

    fn parts(&self) -> [Value; 3] {
        match *self {
            Self::SignUp {
                username,
                password_hash,
            } => [Value::Null, username.as_str().into(), password_hash.into()],
            Self::PasswordReset(user) | Self::EmailChange(user) => {
                [user.0.into(), Value::Null, Value::Null]
            }
        }
    }
}

/// A code that is sent.
#[derive(Clone, Copy, Debug)]
pub struct NewVerification<'a> {
    /// Its number.
    pub uuid: Uuid,
    /// Where it is sent.
    pub email: &'a Email,
    /// What it will confirm.
    pub subject: Subject<'a>,
    /// Its keyed hash.
    pub code_hash: &'a str,
    /// Where the letter leads, if anywhere.
    pub redirect_to: Option<&'a str>,
    /// When it is sent.
    pub now: i64,
    /// Until when it is good.
    pub expires_at: i64,
}

/// What waits for its code.
#[derive(Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub uuid: Uuid,
    /// Where it was sent.
    pub email: Email,
    /// Whose it is; nobody's for a sign-up.
    pub user: Option<UserId>,
    /// For a sign-up, the name of the account.
    pub username: Option<String>,
    /// The keyed hash of the code.
    pub code_hash: String,
    /// Where the letter leads, if anywhere.
    pub redirect_to: Option<String>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending")
            .field("uuid", &self.uuid)
            .finish_non_exhaustive()
    }
}

/// What [`read`] reads.
macro_rules! columns {
    () => {
        "uuid, email, user_id, username, code_hash, redirect_to"
    };
}

/// Stores a code that is sent, in the place of whatever waited there; nothing, where its account
/// was deleted meanwhile. It says nothing, so that nothing can be told from it.
///
/// # Errors
/// What a failed statement means.
pub async fn put(sql: &dyn Sql, new: &NewVerification<'_>) -> Result<(), Error> {
    // A change of address may take the place of two: the user's own, and another's who claims
    // the same address. REPLACE removes both.
    const REPLACE: &str = "INSERT OR REPLACE INTO verifications (uuid, purpose, email, user_id, \
             username, password_hash, code_hash, redirect_to, created_at, expires_at) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
         WHERE ?4 IS NULL OR EXISTS (SELECT 1 FROM users WHERE id = ?4)";
    let mut parameters = vec![
        new.uuid.to_string().into(),
        new.subject.purpose().as_str().into(),
        new.email.as_str().into(),
    ];
    parameters.extend(new.subject.parts());
    parameters.extend([
        new.code_hash.into(),
        new.redirect_to.into(),
        new.now.into(),
        new.expires_at.into(),
    ]);
    count_of(sql, REPLACE, parameters).await.map(drop)
}

/// A code that takes the place of one that was sent.
#[derive(Clone, Copy, Debug)]
pub struct NewCode<'a> {
    /// Its keyed hash.
    pub hash: &'a str,
    /// When it is sent.
    pub now: i64,
    /// Until when it is good.
    pub expires_at: i64,
}

/// Gives what waits at `email` another code, with all its tries; the old one is void. `None`
/// when nothing waits there, or it has expired.
///
/// # Errors
/// What a failed statement means.
pub async fn renew_code(
    sql: &dyn Sql,
    purpose: Purpose,
    email: &Email,
    code: &NewCode<'_>,
) -> Result<Option<Pending>, Error> {
    const UPDATE: &str = concat!(
        "UPDATE verifications SET code_hash = ?3, tries = 0, expires_at = ?5 \
         WHERE purpose = ?1 AND email = ?2 AND expires_at > ?4 RETURNING ",
        columns!()
    );
    let parameters = vec![
        purpose.as_str().into(),
        email.as_str().into(),
        code.hash.into(),
        code.now.into(),
        code.expires_at.into(),
    ];
    first(sql, UPDATE, parameters, read).await
}

/// Counts a try of a code at `email`, and returns what waits there for the caller to compare.
/// `None` when nothing does, it has expired, or its tries are used up; then even the right code
/// is refused.
///
/// # Errors
/// What a failed statement means.
pub async fn try_code(
    sql: &dyn Sql,
    purpose: Purpose,
    email: &Email,
    now: i64,
) -> Result<Option<Pending>, Error> {
    const UPDATE: &str = concat!(
        "UPDATE verifications SET tries = tries + 1 \
         WHERE purpose = ?1 AND email = ?2 AND expires_at > ?3 AND tries < ?4 RETURNING ",
        columns!()
    );
    let parameters = vec![
        purpose.as_str().into(),
        email.as_str().into(),
        now.into(),
        MOST_TRIES.into(),
    ];
    first(sql, UPDATE, parameters, read).await
}

/// [`try_code`] for the change of address that `user` has asked for.
///
/// # Errors
/// What a failed statement means.
pub async fn try_email_change(
    sql: &dyn Sql,
    user: UserId,
    now: i64,
) -> Result<Option<Pending>, Error> {
    const UPDATE: &str = concat!(
        "UPDATE verifications SET tries = tries + 1 \
         WHERE purpose = 'email_change' AND user_id = ?1 AND expires_at > ?2 AND tries < ?3 \
         RETURNING ",
        columns!()
    );
    let parameters = vec![user.0.into(), now.into(), MOST_TRIES.into()];
    first(sql, UPDATE, parameters, read).await
}

/// Removes what was confirmed. `false` when it is no longer there: of several who bring the
/// right code at once, one takes it.
///
/// # Errors
/// What a failed statement means.
pub async fn take(sql: &dyn Sql, uuid: Uuid) -> Result<bool, Error> {
    const DELETE: &str = "DELETE FROM verifications WHERE uuid = ?1 RETURNING id";
    Ok(count_of(sql, DELETE, vec![uuid.to_string().into()]).await? > 0)
}

/// Deletes whatever waits for a code of `user`. Returns how many.
///
/// # Errors
/// What a failed statement means.
pub async fn delete_of_user(sql: &dyn Sql, user: UserId) -> Result<usize, Error> {
    const DELETE: &str = "DELETE FROM verifications WHERE user_id = ?1 RETURNING id";
    count_of(sql, DELETE, vec![user.0.into()]).await
}

/// The hash of the password with which a sign-up waits at `email`.
///
/// # Errors
/// What a failed statement means.
pub async fn password_of_sign_up(
    sql: &dyn Sql,
    email: &Email,
    now: i64,
) -> Result<Option<String>, Error> {
    const SELECT: &str = "SELECT password_hash FROM verifications \
         WHERE purpose = 'sign_up' AND email = ?1 AND expires_at > ?2";
    first(
        sql,
        SELECT,
        vec![email.as_str().into(), now.into()],
        |row| row.get(0),
    )
    .await
}

fn read(row: &Row) -> Result<Pending, SqlError> {
    Ok(Pending {
        uuid: uuid(row, 0)?,
        email: known(row, 1, |text| Email::parse(text).ok())?,
        user: row.get::<Option<i64>>(2)?.map(UserId),
        username: row.get(3)?,
        code_hash: row.get(4)?,
        redirect_to: row.get(5)?,
    })
}
