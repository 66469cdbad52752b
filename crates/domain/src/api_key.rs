//! API keys: what a program signs in with instead of a password.

use crate::{ApiKeyId, Timestamp, profile::one_line};
use uuid::Uuid;

/// An API key as its owner sees it later: never the key itself, which is shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number.
    pub id: ApiKeyId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// How the key begins, to tell it from others.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last signed in with it.
    pub last_used_at: Option<Timestamp>,
}

/// What an API key is called: 1 to 64 characters, no control characters, not only blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

impl ApiKeyName {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        one_line(text).map(Self)
    }

    /// The name.
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
        let check = |text: &str, expected: Option<&str>| {
            let parsed = ApiKeyName::parse(text).ok();
            assert_eq!(
                parsed.as_ref().map(ApiKeyName::as_str),
                expected,
                "{text:?}"
            );
        };
        check("laptop", Some("laptop"));
        check(" the build server ", Some("the build server"));
        check(&"明".repeat(64), Some(&"明".repeat(64)));
        check(&"x".repeat(65), None);
        check("", None);
        check(" \t", None);
        check("a\nb", None);
    }
}
