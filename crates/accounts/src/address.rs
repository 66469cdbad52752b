//! Another e-mail address, confirmed at the new one.

use crate::{
    Settings,
    codes::{self, Asker, Fresh, wrong},
    letters, limits, mail,
};
use domain::{Account, Code, Email, Error, ErrorKind, Purpose};
use ports::Platform;
use store::{
    accounts::{self, Changed},
    verifications::{self, NewVerification, Subject},
};
use web::{Client, new_uuid};

/// Sends a code to the address that the account is to have.
///
/// # Errors
/// Too many requests; Unavailable when no mail can be sent.
pub async fn request_address(
    platform: &Platform,
    asker: Asker<'_>,
    account: &Account,
    email: &Email,
) -> Result<(), Error> {
    let settings = Settings::read(platform).await?;
    limits::ADDRESS_CHANGES
        .count(platform, asker.client, email)
        .await?;
    let fresh = Fresh::new(platform, &settings, Purpose::EmailChange, email);
    let new = NewVerification {
        uuid: new_uuid(platform),
        email,
        subject: Subject::EmailChange(account.id),
        code_hash: &fresh.hash,
        redirect_to: None,
        now: fresh.now,
        expires_at: fresh.expires_at,
    };
    verifications::put(&*platform.sql, &new).await?;
    let letter = letters::email_change(asker.language, &account.username, &fresh.code);
    mail::send(platform, email, &letter, true).await
}

/// Gives the account the address that the code was sent to. The one it had is told first: its
/// reader may be the owner, and whoever changes the address a thief with a token.
///
/// # Errors
/// Unauthenticated when the code is wrong or has expired; Conflict when another account has the
/// address, which its reader may know; Too many requests; Unavailable when no mail can be sent.
pub async fn confirm_address(
    platform: &Platform,
    client: &Client,
    account: &Account,
    code: &Code,
) -> Result<Account, Error> {
    let settings = Settings::read(platform).await?;
    let asked = (account.id, code);
    let pending = codes::judge_email_change(platform, &settings, client, asked).await?;
    let old = Email::parse(&account.email).map_err(Error::internal)?;
    let taken = || Error::new(ErrorKind::Conflict, "Another account has this address");
    let other = accounts::by_email(&*platform.sql, &pending.email).await?;
    if other.is_some_and(|other| other.id != account.id) {
        return Err(taken());
    }
    let notice = letters::address_changed(&account.username, &pending.email);
    mail::send(platform, &old, &notice, true).await?;
    if !verifications::take(&*platform.sql, pending.uuid).await? {
        return Err(wrong());
    }
    let now = platform.clock.now();
    match accounts::change_email(&*platform.sql, account.id, &pending.email, now).await? {
        Changed::Done(account) => Ok(account),
        Changed::Taken => Err(taken()),
        Changed::Gone => Err(wrong()),
    }
}
