//! Signing up: an account becomes real when the code that was sent to its address comes back.

use crate::{
    Settings, administrator,
    codes::{self, Asker, Fresh, wrong},
    letters, limits, mail,
    opening::{Opened, Proof, open},
};
use domain::{Account, Audience, Code, Email, Error, Password, Purpose, Username};
use ports::Platform;
use store::{
    accounts::{self, Inserted},
    verifications::{self, NewVerification, Subject},
};
use web::{Client, may_redirect_to, new_uuid};

/// An account that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its name.
    pub username: &'a Username,
    /// Its address.
    pub email: &'a Email,
    /// Its password.
    pub password: &'a Password,
    /// Where the letter leads besides saying the code.
    pub redirect_to: Option<&'a str>,
}

/// Sends a code to the address; where that has an account, its owner is told so instead.
///
/// # Errors
/// Invalid when the name is taken (names are public) or the link leads elsewhere; Too many
/// requests; Unavailable when no mail can be sent.
pub async fn sign_up(
    platform: &Platform,
    asker: Asker<'_>,
    wanted: Wanted<'_>,
) -> Result<(), Error> {
    let settings = Settings::read(platform).await?;
    administrator::ensure_first(platform).await?;
    if let Some(url) = wanted.redirect_to
        && !may_redirect_to(platform, url).await?
    {
        let reason = "must lead to this site or to one of the allowed origins";
        return Err(Error::invalid_field("redirect_to", reason));
    }
    limits::SIGN_UPS
        .count(platform, asker.client, wanted.email)
        .await?;
    let name = wanted.username.as_str();
    if accounts::by_username(&*platform.sql, name).await?.is_some() {
        return Err(Error::invalid_field("username", "is taken"));
    }
    let password_hash = password_hash(platform, wanted).await?;
    let known = accounts::by_email(&*platform.sql, wanted.email).await?;
    let letter = if known.is_some() {
        letters::account_exists(asker.language)
    } else {
        begin(platform, &settings, asker, wanted, &password_hash).await?
    };
    mail::send(platform, wanted.email, &letter, true).await
}

/// The hash to keep of a sign-up's password.
///
/// Where another sign-up waits at the address with another password, nobody can tell whose the
/// code will be entered for: a stranger may have signed up with the reader's name and address.
/// The account then gets a password that nobody knows; whoever has the address can reset it.
async fn password_hash(platform: &Platform, wanted: Wanted<'_>) -> Result<String, Error> {
    let now = platform.clock.now();
    let sql = &*platform.sql;
    let before = verifications::password_of_sign_up(sql, wanted.email, now).await?;
    let contested = before.is_some();
    // Verified in any case, so that it takes as long.
    let before = before.unwrap_or_else(|| auth::passwords::UNKNOWN.to_owned());
    let same = auth::passwords::verify(wanted.password.as_str(), &before);
    let hash = crate::password::hash(platform, wanted.password)?;
    if contested && !same {
        return Ok(auth::passwords::UNKNOWN.to_owned());
    }
    Ok(hash)
}

async fn begin(
    platform: &Platform,
    settings: &Settings,
    asker: Asker<'_>,
    wanted: Wanted<'_>,
    password_hash: &str,
) -> Result<letters::Letter, Error> {
    let fresh = Fresh::new(platform, settings, Purpose::SignUp, wanted.email);
    let new = NewVerification {
        uuid: new_uuid(platform),
        email: wanted.email,
        subject: Subject::SignUp {
            username: wanted.username,
            password_hash,
        },
        code_hash: &fresh.hash,
        redirect_to: wanted.redirect_to,
        now: fresh.now,
        expires_at: fresh.expires_at,
    };
    verifications::put(&*platform.sql, &new).await?;
    let link = wanted
        .redirect_to
        .map(|page| link(page, wanted.email, &fresh.code));
    let name = wanted.username.as_str();
    Ok(letters::sign_up(
        asker.language,
        name,
        &fresh.code,
        link.as_deref(),
    ))
}

/// The page with the address and the code in its fragment, which no server and no log sees.
fn link(page: &str, email: &Email, code: &Code) -> String {
    let page = page.split('#').next().unwrap_or_default();
    let email: String = form_urlencoded::byte_serialize(email.as_str().as_bytes()).collect();
    format!("{page}#email={email}&token={}", code.as_str())
}

/// Sends a new code for a sign-up; the one before is void.
///
/// # Errors
/// Too many requests; Unavailable when no mail can be sent.
pub async fn resend(platform: &Platform, asker: Asker<'_>, email: &Email) -> Result<(), Error> {
    let settings = Settings::read(platform).await?;
    limits::count_resend(platform, asker.client, email).await?;
    let fresh = Fresh::new(platform, &settings, Purpose::SignUp, email);
    let renewed = verifications::NewCode {
        hash: &fresh.hash,
        now: fresh.now,
        expires_at: fresh.expires_at,
    };
    let pending =
        verifications::renew_code(&*platform.sql, Purpose::SignUp, email, &renewed).await?;
    let redirect_to = pending.as_ref().and_then(|at| at.redirect_to.as_deref());
    let link = redirect_to.map(|page| link(page, email, &fresh.code));
    let name = pending.as_ref().and_then(|at| at.username.as_deref());
    let letter = letters::sign_up(
        asker.language,
        name.unwrap_or_default(),
        &fresh.code,
        link.as_deref(),
    );
    mail::send(platform, email, &letter, pending.is_some()).await
}

/// Makes the account whose code came back, and opens a login.
///
/// # Errors
/// Unauthenticated when the code is wrong or has expired; Invalid when somebody has taken the
/// name in the meantime; Too many requests.
pub async fn confirm_sign_up(
    platform: &Platform,
    client: &Client,
    email: &Email,
    code: &Code,
) -> Result<Opened, Error> {
    let settings = Settings::read(platform).await?;
    let asked = (Purpose::SignUp, email, code);
    let pending = codes::judge(platform, &settings, client, asked).await?;
    let account = insert(platform, pending.uuid).await?;
    verifications::take(&*platform.sql, pending.uuid).await?;
    let opened = (account, Audience::Runtime, Proof::Other);
    open(platform, &settings, client, opened)
        .await?
        .ok_or_else(wrong)
}

async fn insert(platform: &Platform, pending: uuid::Uuid) -> Result<Account, Error> {
    let (uuid, now) = (new_uuid(platform), platform.clock.now());
    match accounts::insert_verified(&*platform.sql, pending, uuid, now).await? {
        Inserted::Done(account) => Ok(account),
        Inserted::UsernameTaken => Err(Error::invalid_field(
            "username",
            "was taken in the meantime. Sign up again with another one",
        )),
        Inserted::EmailTaken | Inserted::Gone => Err(wrong()),
    }
}
