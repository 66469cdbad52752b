//! Logins: one for each time that somebody signed in, until they sign out.

use crate::{LoginId, Timestamp};
use uuid::Uuid;

/// The contract that a login was opened on. Its tokens are good on all of them; it decides how
/// they are refreshed, and which view the paths show that two contracts share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// `workspace`
    Workspace,
    /// `codex`
    Codex,
    /// `runtime`
    Runtime,
    /// `studio`
    Studio,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 4] = [Self::Workspace, Self::Codex, Self::Runtime, Self::Studio];

    /// Its name in the database and in tokens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Codex => "codex",
            Self::Runtime => "runtime",
            Self::Studio => "studio",
        }
    }

    /// The audience of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|audience| audience.as_str() == text)
    }
}

/// A login that is neither ended nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its number.
    pub id: LoginId,
    /// Its number for the outside, and in tokens.
    pub uuid: Uuid,
    /// Where it was opened.
    pub audience: Audience,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was opened or last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// What the client called itself when it was opened.
    pub user_agent: Option<String>,
    /// The address it was opened from.
    pub address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_have_one_spelling() {
        for audience in Audience::ALL {
            assert_eq!(Audience::parse(audience.as_str()), Some(audience));
        }
        for text in ["", "Runtime", "chat", "open", "runtime "] {
            assert_eq!(Audience::parse(text), None, "{text:?}");
        }
    }
}
