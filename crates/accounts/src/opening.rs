//! Logins being opened, and the tokens that come of it.

use crate::{Settings, milliseconds};
use auth::{AccessToken, RefreshToken};
use domain::{Account, Audience, Error, Login};
use ports::Platform;
use store::logins::{self, NewLogin};
use web::{Client, new_uuid};

/// A login with its tokens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose it is.
    pub account: Account,
    /// The login.
    pub login: Login,
    /// The access token.
    pub access: String,
    /// The refresh token; only `runtime` shows it.
    pub refresh: String,
    /// For how many seconds the access token is good.
    pub expires_in: u64,
}

/// What somebody has shown to be let in.
pub(crate) enum Proof<'a> {
    /// A password that fits this hash; a login is opened only while the account still has it.
    PasswordOf(&'a str),
    /// A code or an API key.
    Other,
}

/// Opens a login of `account`. `None` when the account is gone, or its password was changed in
/// the meantime.
///
/// # Errors
/// What a failed statement means.
pub(crate) async fn open(
    platform: &Platform,
    settings: &Settings,
    client: &Client,
    (account, audience, proof): (Account, Audience, Proof<'_>),
) -> Result<Option<Opened>, Error> {
    let now = platform.clock.now();
    let address = client.address.map(|address| address.to_string());
    let new = NewLogin {
        uuid: new_uuid(platform),
        user: account.id,
        audience,
        now,
        expires_at: now + milliseconds(auth::login_lifetime(audience)),
        user_agent: Some(client.user_agent.as_str()).filter(|name| !name.is_empty()),
        address: address.as_deref(),
    };
    let login = match proof {
        Proof::PasswordOf(hash) => logins::open(&*platform.sql, &new, hash).await?,
        Proof::Other => logins::open_without_password(&*platform.sql, &new).await?,
    };
    let Some(login) = login else {
        return Ok(None);
    };
    tokens(platform, settings, account, login, 0).map(Some)
}

/// The tokens of a login at `generation`.
///
/// # Errors
/// Internal, when the clock is beyond the calendar.
pub(crate) fn tokens(
    platform: &Platform,
    settings: &Settings,
    account: Account,
    login: Login,
    generation: i64,
) -> Result<Opened, Error> {
    let now = platform.clock.now();
    let lifetime = auth::lifetime(login.audience);
    let token = AccessToken {
        login: login.uuid,
        user: account.uuid,
        audience: login.audience,
        issued_at: now,
        expires_at: now + milliseconds(lifetime),
        id: new_uuid(platform),
    };
    let refresh = RefreshToken {
        login: login.uuid,
        generation,
    };
    Ok(Opened {
        access: auth::issue(&settings.keys, &settings.issuer, &token).map_err(Error::internal)?,
        refresh: refresh.write(&settings.keys),
        expires_in: lifetime.as_secs(),
        account,
        login,
    })
}
