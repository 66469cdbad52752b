//! Accounts: users who have credentials, on every contract but the open chat.

use crate::{Timestamp, UserId};
use uuid::Uuid;

/// What an account may do beyond its own affairs. (A message's [`Role`](crate::Role) is
/// something else.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountRole {
    /// Sees and changes everything.
    Admin,
    /// Sees and changes its own.
    User,
}

impl AccountRole {
    /// Its name in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::User => "USER",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Admin, Self::User]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// An account. What it holds was a [`Username`](crate::Username), an [`Email`](crate::Email) and
/// so on when it came in; it stays readable when their rules change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: UserId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Its name, unique among accounts whatever the case of its letters.
    pub username: String,
    /// Its address in lower case, unique among accounts.
    pub email: String,
    /// What it may do.
    pub role: AccountRole,
    /// What it wants to be called.
    pub display_name: Option<String>,
    /// What it says of itself.
    pub bio: Option<String>,
    /// Its picture.
    pub avatar_url: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a code sent to `email` came back.
    pub email_confirmed_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_one_spelling() {
        for role in [AccountRole::Admin, AccountRole::User] {
            assert_eq!(AccountRole::parse(role.as_str()), Some(role));
        }
        for text in ["", "admin", "ROOT", "USER "] {
            assert_eq!(AccountRole::parse(text), None, "{text:?}");
        }
    }
}
