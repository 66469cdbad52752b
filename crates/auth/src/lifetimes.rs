//! How long tokens and logins last. An access token and its login end at the same time where
//! there is no refresh.

use domain::Audience;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long after its end `studio`'s access token can be refreshed, and ends its login.
pub const STUDIO_GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long an access token lasts.
#[must_use]
pub fn lifetime(audience: Audience) -> Duration {
    match audience {
        Audience::Runtime | Audience::Studio => HOUR,
        Audience::Workspace | Audience::Codex => DAY,
    }
}

/// How long a login lasts from its opening, and again from each refresh.
#[must_use]
pub fn login_lifetime(audience: Audience) -> Duration {
    match audience {
        Audience::Runtime => 30 * DAY,
        Audience::Studio => lifetime(audience) + STUDIO_GRACE,
        Audience::Workspace | Audience::Codex => lifetime(audience),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_outlives_its_login() {
        for audience in Audience::ALL {
            assert!(lifetime(audience) <= login_lifetime(audience));
        }
    }

    #[test]
    fn the_lengths_are_those_of_the_contracts() {
        let check = |audience, token_hours: u64, login_hours: u64| {
            assert_eq!(lifetime(audience).as_secs(), token_hours * 3_600);
            assert_eq!(login_lifetime(audience).as_secs(), login_hours * 3_600);
        };
        check(Audience::Workspace, 24, 24);
        check(Audience::Codex, 24, 24);
        check(Audience::Runtime, 1, 30 * 24);
        check(Audience::Studio, 1, 1 + 7 * 24);
    }
}
