//! How often what may be tried. What strangers try is counted for whoever asks and for whatever
//! they wrote, known or unknown alike; of somebody who is signed in, the password and the code for
//! another address are counted for the account.

use domain::{Email, Error};
use ports::Platform;
use std::time::Duration;
use web::{
    Client,
    limits::{self, Adjustable, Limit},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

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
const CODES_FROM_ADDRESS: Adjustable = Adjustable {
    name: "code-address",
    window: HOUR,
    variable: "limit_codes_address",
};

/// Wrong codes for one purpose at one e-mail address, or for one account's change of address,
/// whichever codes were sent in between: with a new code and new tries every minute, somebody
/// with many addresses would guess one in the end.
const CODES_OF_READER: Limit = Limit {
    name: "code-reader",
    most: 100,
    window: HOUR.saturating_mul(24),
};

/// A code that is tried: from where, and for what. Both are counted.
#[derive(Clone, Debug)]
pub(crate) struct CodeTry {
    from: String,
    reader: String,
    now: i64,
}

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

impl CodeTry {
    /// A try by `client` at `now`; `reader` says for what and whose.
    pub(crate) fn new(client: &Client, reader: String, now: i64) -> Self {
        Self {
            from: client.subject(),
            reader,
            now,
        }
    }

    /// Counts it, before it is judged.
    ///
    /// # Errors
    /// Too many requests.
    pub(crate) async fn count(&self, platform: &Platform) -> Result<(), Error> {
        let (store, now) = (&*platform.key_value, self.now);
        CODES_FROM_ADDRESS.count(platform, &self.from, now).await?;
        if let Err(refused) = limits::count(store, &CODES_OF_READER, &self.reader, now).await {
            // Nothing was judged, so nothing was wrong.
            CODES_FROM_ADDRESS
                .give_back(platform, &self.from, now)
                .await?;
            return Err(refused);
        }
        Ok(())
    }

    /// Takes it back: the code was right.
    ///
    /// # Errors
    /// Unavailable when the store does not count.
    pub(crate) async fn give_back(&self, platform: &Platform) -> Result<(), Error> {
        let (store, now) = (&*platform.key_value, self.now);
        limits::give_back(store, &CODES_OF_READER, &self.reader, now).await?;
        CODES_FROM_ADDRESS
            .give_back(platform, &self.from, now)
            .await
    }
}
