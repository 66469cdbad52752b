//! How accounts change.

use super::{account_columns, by_id, read};
use crate::rows::{count_of, first};
use domain::{Account, AvatarUrl, Bio, DisplayName, Email, Error, FileId, UserId, Username};
use ports::{Sql, Value};

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The account as it is now.
    Done(Account),
    /// Another account has the new name or address.
    Taken,
    /// There is no such account.
    Gone,
}

/// New parts of a profile. `None` leaves a part as it is; `Some(None)` empties it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileChange<'a> {
    /// The name.
    pub username: Option<&'a Username>,
    /// What it wants to be called.
    pub display_name: Option<Option<&'a DisplayName>>,
    /// What it says of itself.
    pub bio: Option<Option<&'a Bio>>,
    /// Its picture.
    pub avatar_url: Option<Option<&'a AvatarUrl>>,
}

/// Changes the given parts of a profile, all or none.
///
/// # Errors
/// What a failed statement means.
pub async fn update_profile(
    sql: &dyn Sql,
    user: UserId,
    change: &ProfileChange<'_>,
) -> Result<Changed, Error> {
    const UPDATE: &str = concat!(
        "UPDATE OR IGNORE users SET username = COALESCE(?2, username), \
             display_name = CASE WHEN ?3 THEN ?4 ELSE display_name END, \
             bio = CASE WHEN ?5 THEN ?6 ELSE bio END, \
             avatar_url = CASE WHEN ?7 THEN ?8 ELSE avatar_url END \
         WHERE realm = 'account' AND id = ?1 RETURNING ",
        account_columns!()
    );
    fn part<T>(part: Option<Option<&T>>, text: fn(&T) -> &str) -> [Value; 2] {
        [
            i64::from(part.is_some()).into(),
            part.flatten().map(text).into(),
        ]
    }
    let mut parameters = vec![user.0.into(), change.username.map(Username::as_str).into()];
    parameters.extend(part(change.display_name, DisplayName::as_str));
    parameters.extend(part(change.bio, Bio::as_str));
    parameters.extend(part(change.avatar_url, AvatarUrl::as_str));
    changed(sql, user, UPDATE, parameters).await
}

/// Shows the picture at `url`, which is the account's file `file`. `false` when the file is gone,
/// or the account has a newer picture: of two who send one at once, one would show what the other
/// has just removed.
///
/// # Errors
/// What a failed statement means.
pub async fn show_picture(
    sql: &dyn Sql,
    user: UserId,
    url: &AvatarUrl,
    file: FileId,
) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE users SET avatar_url = ?2 \
         WHERE users.realm = 'account' AND users.id = ?1 \
             AND EXISTS (SELECT 1 FROM files WHERE files.id = ?3 AND files.user_id = ?1) \
             AND NOT EXISTS (SELECT 1 FROM files WHERE files.user_id = ?1 AND files.id > ?3 \
                 AND files.business_type = 'AVATAR' AND files.stored_at IS NOT NULL) \
         RETURNING id";
    let parameters = vec![user.0.into(), url.as_str().into(), file.0.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// Shows no picture any more, where it is the one at `url`.
///
/// # Errors
/// What a failed statement means.
pub async fn hide_picture(sql: &dyn Sql, user: UserId, url: &str) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE users SET avatar_url = NULL \
         WHERE realm = 'account' AND id = ?1 AND avatar_url = ?2 RETURNING id";
    count_of(sql, UPDATE, vec![user.0.into(), url.into()])
        .await
        .map(drop)
}

/// Gives the account the address that a code has just confirmed.
///
/// # Errors
/// What a failed statement means.
pub async fn change_email(
    sql: &dyn Sql,
    user: UserId,
    email: &Email,
    now: i64,
) -> Result<Changed, Error> {
    const UPDATE: &str = concat!(
        "UPDATE OR IGNORE users SET email = ?2, email_confirmed_at = ?3 \
         WHERE realm = 'account' AND id = ?1 RETURNING ",
        account_columns!()
    );
    let parameters = vec![user.0.into(), email.as_str().into(), now.into()];
    changed(sql, user, UPDATE, parameters).await
}

/// The only rule that a row can break in these updates is that names and addresses are unique,
/// and `OR IGNORE` leaves it as it was then.
async fn changed(
    sql: &dyn Sql,
    user: UserId,
    update: &str,
    parameters: Vec<Value>,
) -> Result<Changed, Error> {
    if let Some(account) = first(sql, update, parameters, read).await? {
        return Ok(Changed::Done(account));
    }
    let there = by_id(sql, user).await?;
    Ok(there.map_or(Changed::Gone, |_| Changed::Taken))
}

/// Gives the account another password. `false` when there is no such account.
///
/// End its logins afterwards, not before: a login that is opened in between was opened with the
/// old password.
///
/// # Errors
/// What a failed statement means.
pub async fn set_password(sql: &dyn Sql, user: UserId, hash: &str) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE users SET password_hash = ?2 \
         WHERE realm = 'account' AND id = ?1 RETURNING id";
    let parameters = vec![user.0.into(), hash.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}

/// Gives the account another password's hash, or another hash of the same. `false` when its hash
/// is no longer `old`: its password was changed meanwhile.
///
/// # Errors
/// What a failed statement means.
pub async fn replace_password(
    sql: &dyn Sql,
    user: UserId,
    old: &str,
    new: &str,
) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE users SET password_hash = ?3 \
         WHERE realm = 'account' AND id = ?1 AND password_hash = ?2 RETURNING id";
    let parameters = vec![user.0.into(), old.into(), new.into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}
