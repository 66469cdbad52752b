//! Users of the open chat. Accounts, which have credentials, live in a realm of their own: the
//! same name may exist in both, and neither sees the other.

use crate::{Timestamp, UserId};

/// A user of the open chat: a name, nothing that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUser {
    /// Its number.
    pub id: UserId,
    /// Its name, unique among open users.
    pub username: String,
    /// What it gave as its address; never verified, never written to.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Names that are words of the API's paths.
const RESERVED: [&str; 1] = ["me"];

/// The name of an open user: 1 to 64 characters, no control characters, not only blanks, not a
/// word that a path already uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUsername(String);

impl OpenUsername {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            _ if text.trim().is_empty() => Err("must not be empty"),
            _ if text.chars().count() > 64 => Err("must be at most 64 characters"),
            _ if text.chars().any(char::is_control) => Err("must not contain control characters"),
            _ if RESERVED.contains(&text) => Err("is reserved"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an open user gives as its address: kept and shown as given, up to 254 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEmail(String);

impl OpenEmail {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            _ if text.chars().count() > 254 => Err("must be at most 254 characters"),
            _ if text.chars().any(char::is_control) => Err("must not contain control characters"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |text: &str, fits: bool| {
            assert_eq!(OpenUsername::parse(text).is_ok(), fits, "{text:?}");
        };
        check("ada", true);
        check("小明", true);
        check("a b", true);
        check(&"x".repeat(64), true);
        check(&"x".repeat(65), false);
        check(&"明".repeat(64), true);
        check("", false);
        check("   ", false);
        check("a\nb", false);
        check("a\0", false);
        check("me", false);
        check("Me", true);
    }
}
