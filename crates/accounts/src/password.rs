//! Passwords: hashed, checked, changed, and set anew by code.

use crate::{
    Settings,
    codes::{self, Asker, Fresh, wrong},
    letters,
    limits::{self, PASSWORDS_OF_ACCOUNT},
    mail,
    opening::{Opened, Proof, open},
};
use domain::{Account, Audience, Code, Email, Error, ErrorKind, Password, Purpose};
use ports::Platform;
use store::{
    accounts, logins,
    verifications::{self, NewVerification, Subject},
};
use uuid::Uuid;
use web::{Client, new_uuid};

/// The PHC string of a password, with a salt of its own.
///
/// # Errors
/// Internal when there is no memory for it.
pub(crate) fn hash(platform: &Platform, password: &Password) -> Result<String, Error> {
    let mut salt = [0; 16];
    platform.random.fill(&mut salt);
    auth::passwords::hash(password, salt).map_err(Error::internal)
}

/// Checks the password of somebody who is signed in, and says by which hash.
///
/// # Errors
/// Forbidden when it is wrong; Too many requests.
pub async fn check_password(
    platform: &Platform,
    account: &Account,
    password: &str,
) -> Result<String, Error> {
    let now = platform.clock.now();
    let subject = format!("account {}", account.uuid);
    PASSWORDS_OF_ACCOUNT.count(platform, &subject, now).await?;
    let known = accounts::credentials_by_id(&*platform.sql, account.id).await?;
    let hash = known.map_or(auth::passwords::UNKNOWN.to_owned(), |(_, hash)| hash);
    if !auth::passwords::verify(password, &hash) {
        return Err(wrong_password());
    }
    PASSWORDS_OF_ACCOUNT
        .give_back(platform, &subject, now)
        .await?;
    Ok(hash)
}

fn wrong_password() -> Error {
    Error::new(ErrorKind::Forbidden, "The password is wrong")
}

/// Gives the account another password and ends its logins, `login` excepted.
///
/// # Errors
/// Forbidden when the old password is wrong; Too many requests.
pub async fn change_password(
    platform: &Platform,
    (account, login): (&Account, Uuid),
    old: &str,
    new: &Password,
) -> Result<(), Error> {
    let seen = check_password(platform, account, old).await?;
    let hash = hash(platform, new)?;
    // Only in the place of the one that was shown: a reset may have come in between, and whoever
    // shows a password that is void by now must not have the last word.
    if !accounts::replace_password(&*platform.sql, account.id, &seen, &hash).await? {
        return Err(wrong_password());
    }
    let now = platform.clock.now();
    logins::revoke_of_user(&*platform.sql, account.id, Some(login), now).await?;
    Ok(())
}

/// Sends a code for a new password, if the address has an account.
///
/// # Errors
/// Too many requests; Unavailable when no mail can be sent.
pub async fn request_reset(
    platform: &Platform,
    asker: Asker<'_>,
    email: &Email,
) -> Result<(), Error> {
    let settings = Settings::read(platform).await?;
    limits::RESETS.count(platform, asker.client, email).await?;
    let fresh = Fresh::new(platform, &settings, Purpose::PasswordReset, email);
    let account = accounts::by_email(&*platform.sql, email).await?;
    if let Some(account) = &account {
        let new = NewVerification {
            uuid: new_uuid(platform),
            email,
            subject: Subject::PasswordReset(account.id),
            code_hash: &fresh.hash,
            redirect_to: None,
            now: fresh.now,
            expires_at: fresh.expires_at,
        };
        verifications::put(&*platform.sql, &new).await?;
    }
    let letter = letters::password_reset(asker.language, &fresh.code);
    mail::send(platform, email, &letter, account.is_some()).await
}

/// Sets a new password by a code, ends all logins, and opens one.
///
/// # Errors
/// Unauthenticated when the code is wrong or has expired; Too many requests.
pub async fn confirm_reset(
    platform: &Platform,
    client: &Client,
    (email, code): (&Email, &Code),
    password: &Password,
) -> Result<Opened, Error> {
    let settings = Settings::read(platform).await?;
    let asked = (Purpose::PasswordReset, email, code);
    let pending = codes::judge(platform, &settings, client, asked).await?;
    let user = pending.user.ok_or_else(wrong)?;
    let account = accounts::by_id(&*platform.sql, user).await?;
    // Whoever reads an address that the account has given up since has no say any more.
    let account = account.filter(|account| account.email == email.as_str());
    let account = account.ok_or_else(wrong)?;
    let hash = hash(platform, password)?;
    // Of several that show the code at once, one goes on.
    if !verifications::take(&*platform.sql, pending.uuid).await? {
        return Err(wrong());
    }
    accounts::set_password(&*platform.sql, user, &hash).await?;
    // Somebody else may have made keys, and begun to change the address.
    store::api_keys::delete_of_user(&*platform.sql, user).await?;
    verifications::delete_of_user(&*platform.sql, user).await?;
    logins::revoke_of_user(&*platform.sql, user, None, platform.clock.now()).await?;
    let opened = (account, Audience::Runtime, Proof::PasswordOf(&hash));
    open(platform, &settings, client, opened)
        .await?
        .ok_or_else(wrong)
}
