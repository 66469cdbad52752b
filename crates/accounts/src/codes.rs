//! Codes sent by mail: made, sent and judged.

use crate::{Settings, limits::CodeTry, milliseconds, unauthenticated};
use domain::{Code, Email, Error, Purpose};
use ports::Platform;
use std::time::Duration;
use store::verifications::{self, Pending};
use web::{Client, Language};

/// How long a code is good.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Who asks, for limits, and in which language they read.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Who sends the request.
    pub client: &'a Client,
    /// What they read.
    pub language: Language,
}

/// A code that was just made.
pub(crate) struct Fresh {
    pub(crate) code: Code,
    pub(crate) hash: String,
    pub(crate) now: i64,
    pub(crate) expires_at: i64,
}

impl Fresh {
    pub(crate) fn new(
        platform: &Platform,
        settings: &Settings,
        purpose: Purpose,
        email: &Email,
    ) -> Self {
        let mut random = [0; 8];
        platform.random.fill(&mut random);
        let code = Code::of(random);
        let now = platform.clock.now();
        Self {
            hash: auth::code_hash(&settings.keys, purpose, email, &code),
            code,
            now,
            expires_at: now + milliseconds(LIFETIME),
        }
    }
}

/// A code is refused. Nobody learns more of why.
pub(crate) fn wrong() -> Error {
    unauthenticated("The code is wrong or has expired")
}

/// Judges a code that was sent for `purpose` to `email`.
///
/// # Errors
/// Unauthenticated, whatever is wrong with it; Too many requests.
pub(crate) async fn judge(
    platform: &Platform,
    settings: &Settings,
    client: &Client,
    (purpose, email, code): (Purpose, &Email, &Code),
) -> Result<Pending, Error> {
    let now = platform.clock.now();
    let pending = verifications::try_code(&*platform.sql, purpose, email, now);
    let reader = format!("{} {}", purpose.as_str(), email.as_str());
    counted(platform, CodeTry::new(client, reader, now), async {
        let pending = pending.await?;
        Ok(pending.filter(|pending| {
            auth::code_matches(&settings.keys, purpose, email, code, &pending.code_hash)
        }))
    })
    .await
}

/// Judges a code for the change of address that `user` asked for.
///
/// # Errors
/// As [`judge`].
pub(crate) async fn judge_email_change(
    platform: &Platform,
    settings: &Settings,
    client: &Client,
    (user, code): (domain::UserId, &Code),
) -> Result<Pending, Error> {
    let now = platform.clock.now();
    // Not by the address: whoever asks may choose another one each time.
    let reader = format!("{} of user {}", Purpose::EmailChange.as_str(), user.0);
    counted(platform, CodeTry::new(client, reader, now), async {
        let pending = verifications::try_email_change(&*platform.sql, user, now).await?;
        Ok(pending.filter(|pending| {
            let (purpose, email) = (Purpose::EmailChange, &pending.email);
            auth::code_matches(&settings.keys, purpose, email, code, &pending.code_hash)
        }))
    })
    .await
}

/// Counts a try before it is judged, and takes it back when the code was right.
async fn counted(
    platform: &Platform,
    tried: CodeTry,
    judged: impl Future<Output = Result<Option<Pending>, Error>>,
) -> Result<Pending, Error> {
    tried.count(platform).await?;
    let right = judged.await?.ok_or_else(wrong)?;
    tried.give_back(platform).await?;
    Ok(right)
}
