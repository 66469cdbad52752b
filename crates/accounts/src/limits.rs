//! How often what may be tried. What strangers try is counted for whoever asks and for whatever
//! they wrote, known or unknown alike; of somebody who is signed in, the password and the code for
//! another address are counted for the account.

use domain::{Email, Error, ErrorKind};
use ports::Platform;
use std::time::Duration;
use web::{
    Client,
    limits::{self, Limit},
    variable,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A limit whose number the operator can change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adjustable {
    name: &'static str,
    window: Duration,
    /// The variable with the number.
    variable: &'static str,
}

/// Wrong passwords for one name, for one address, or for one account that is signed in.
pub(crate) const PASSWORDS_OF_ACCOUNT: Adjustable = Adjustable {
    name: "password-account",
    window: MINUTE.saturating_mul(15),
    variable: "limit_passwords_account",
};

/// Wrong passwords from one address.
pub(crate) const PASSWORDS_FROM_ADDRESS: Adjustable = Adjustable {
    name: "password-address",
    window: MINUTE.saturating_mul(15),
    variable: "limit_passwords_address",
};

/// Wrong codes from one address.
pub(crate) const CODES_FROM_ADDRESS: Adjustable = Adjustable {
    name: "code-address",
    window: HOUR,
    variable: "limit_codes_address",
};

/// Letters of one kind: how many somebody may ask for, and how many one reader gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letters {
    from_address: Adjustable,
    to_reader: Adjustable,
}

pub(crate) const SIGN_UPS: Letters = letters("sign-up-address", "sign-up-email");
pub(crate) const RESETS: Letters = letters("reset-address", "reset-email");
pub(crate) const ADDRESS_CHANGES: Letters = letters("change-address", "change-email");

const RESENDS_A_MINUTE: Limit = Limit {
    name: "resend-minute",
    most: 1,
    window: MINUTE,
};

const RESENDS: Letters = letters("resend-address", "resend-email");

const fn letters(from_address: &'static str, to: &'static str) -> Letters {
    Letters {
        from_address: Adjustable {
            name: from_address,
            window: HOUR,
            variable: "limit_sign_ups_address",
        },
        to_reader: to_reader(to),
    }
}

const fn to_reader(name: &'static str) -> Adjustable {
    Adjustable {
        name,
        window: HOUR,
        variable: "limit_letters_email",
    }
}

impl Letters {
    /// Counts a letter that `client` asks for, to `email`.
    ///
    /// # Errors
    /// Too many requests.
    pub(crate) async fn count(
        &self,
        platform: &Platform,
        client: &Client,
        email: &Email,
    ) -> Result<(), Error> {
        let now = platform.clock.now();
        self.from_address
            .count(platform, &client.subject(), now)
            .await?;
        self.to_reader.count(platform, email.as_str(), now).await
    }
}

/// Counts a code that `client` has sent to `email` again. The client comes first: one that had
/// its letters does not use up the minutes of others.
///
/// # Errors
/// Too many requests.
pub(crate) async fn count_resend(
    platform: &Platform,
    client: &Client,
    email: &Email,
) -> Result<(), Error> {
    let now = platform.clock.now();
    let (store, reader) = (&*platform.key_value, email.as_str());
    RESENDS
        .from_address
        .count(platform, &client.subject(), now)
        .await?;
    limits::count(store, &RESENDS_A_MINUTE, reader, now).await?;
    RESENDS.to_reader.count(platform, reader, now).await
}

impl Adjustable {
    async fn limit(&self, platform: &Platform) -> Result<Limit, Error> {
        let text = variable(platform, self.variable).await?;
        let most = text.parse().map_err(|_| {
            let cause = format!("variable `{}` is not a whole number", self.variable);
            Error::new(ErrorKind::Unavailable, "The service is not configured").caused_by(cause)
        })?;
        Ok(Limit {
            name: self.name,
            most,
            window: self.window,
        })
    }

    /// Counts a try of `subject`.
    ///
    /// # Errors
    /// Too many requests, when it had its tries.
    pub(crate) async fn count(
        &self,
        platform: &Platform,
        subject: &str,
        now: i64,
    ) -> Result<(), Error> {
        let limit = self.limit(platform).await?;
        limits::count(&*platform.key_value, &limit, subject, now).await
    }

    /// Takes a try back that was counted at the same `now` and was none: it succeeded.
    ///
    /// # Errors
    /// Unavailable when the store does not count.
    pub(crate) async fn give_back(
        &self,
        platform: &Platform,
        subject: &str,
        now: i64,
    ) -> Result<(), Error> {
        let limit = self.limit(platform).await?;
        limits::give_back(&*platform.key_value, &limit, subject, now).await
    }
}
