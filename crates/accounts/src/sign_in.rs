//! Signing in: with a password, by name or by address, or with an API key.

use crate::{
    Settings, administrator,
    limits::{PASSWORDS_FROM_ADDRESS, PASSWORDS_OF_ACCOUNT},
    opening::{Opened, Proof, open},
    unauthenticated,
};
use domain::{Account, Audience, Email, Error, Password};
use ports::Platform;
use store::accounts;
use web::Client;

/// By what somebody says who they are.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// The account's name.
    Username(&'a str),
    /// Its address.
    Email(&'a str),
}

impl Name<'_> {
    /// What is counted: what was written, known or not. Were it the account, somebody could find
    /// out by locking one whether a name and an address belong together.
    fn subject(&self) -> String {
        match self {
            Self::Username(name) => format!("name {}", name.to_ascii_lowercase()),
            Self::Email(email) => format!("email {}", email.trim().to_ascii_lowercase()),
        }
    }

    async fn credentials(&self, platform: &Platform) -> Result<Option<(Account, String)>, Error> {
        match self {
            Self::Username(name) => accounts::credentials_by_username(&*platform.sql, name).await,
            Self::Email(email) => match Email::parse(email) {
                Ok(email) => accounts::credentials_by_email(&*platform.sql, &email).await,
                Err(_) => Ok(None),
            },
        }
    }
}

const WRONG: &str = "The name, the address or the password is wrong";

/// Opens a login with a password.
///
/// # Errors
/// Unauthenticated, whatever is wrong; Too many requests.
pub async fn sign_in(
    platform: &Platform,
    client: &Client,
    audience: Audience,
    name: Name<'_>,
    password: &str,
) -> Result<Opened, Error> {
    let settings = Settings::read(platform).await?;
    administrator::ensure_first(platform).await?;
    let now = platform.clock.now();
    let (address, subject) = (client.subject(), name.subject());
    PASSWORDS_FROM_ADDRESS
        .count(platform, &address, now)
        .await?;
    if let Err(refused) = PASSWORDS_OF_ACCOUNT.count(platform, &subject, now).await {
        // Nothing was judged, so nothing was wrong: one locked account does not lock the others
        // behind the same address.
        PASSWORDS_FROM_ADDRESS
            .give_back(platform, &address, now)
            .await?;
        return Err(refused);
    }
    let known = name.credentials(platform).await?;
    let hash = known
        .as_ref()
        .map_or(auth::passwords::UNKNOWN, |(_, hash)| hash);
    let right = auth::passwords::verify(password, hash);
    let Some((account, hash)) = known.filter(|_| right) else {
        return Err(unauthenticated(WRONG));
    };
    PASSWORDS_OF_ACCOUNT
        .give_back(platform, &subject, now)
        .await?;
    PASSWORDS_FROM_ADDRESS
        .give_back(platform, &address, now)
        .await?;
    let opened = open(
        platform,
        &settings,
        client,
        (account, audience, Proof::PasswordOf(&hash)),
    )
    .await?
    .ok_or_else(|| unauthenticated(WRONG))?;
    upgrade(platform, &opened.account, password, &hash).await?;
    Ok(opened)
}

/// Hashes the password anew while it is known, where the parameters have changed since.
async fn upgrade(
    platform: &Platform,
    account: &Account,
    password: &str,
    hash: &str,
) -> Result<(), Error> {
    if !auth::passwords::needs_upgrade(hash) {
        return Ok(());
    }
    let Ok(password) = Password::parse(password) else {
        return Ok(());
    };
    let new = crate::password::hash(platform, &password)?;
    accounts::replace_password(&*platform.sql, account.id, hash, &new).await?;
    Ok(())
}

/// Opens a login with an API key.
///
/// # Errors
/// Unauthenticated when there is no such key; Too many requests.
pub async fn sign_in_with_key(
    platform: &Platform,
    client: &Client,
    audience: Audience,
    key: &str,
) -> Result<Opened, Error> {
    let settings = Settings::read(platform).await?;
    let now = platform.clock.now();
    let address = client.subject();
    PASSWORDS_FROM_ADDRESS
        .count(platform, &address, now)
        .await?;
    let wrong = || unauthenticated("The API key is wrong");
    let account = store::api_keys::by_hash(&*platform.sql, &auth::api_key_hash(key), now).await?;
    let account = account.ok_or_else(wrong)?;
    PASSWORDS_FROM_ADDRESS
        .give_back(platform, &address, now)
        .await?;
    open(
        platform,
        &settings,
        client,
        (account, audience, Proof::Other),
    )
    .await?
    .ok_or_else(wrong)
}
