//! Sessions: what every contract's conversations have in common.

use crate::{SessionId, Timestamp, UserId};

/// Which contract a session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// An agent team's session of the `workspace` contract.
    Workspace,
    /// A coding session of the `codex` contract.
    Codex,
    /// A workflow session of the `studio` contract.
    Studio,
    /// An agent chat of the `runtime` contract.
    Runtime,
    /// A conversation of the open `chat` contract.
    Open,
}

impl SessionKind {
    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Codex => "codex",
            Self::Studio => "studio",
            Self::Runtime => "runtime",
            Self::Open => "open",
        }
    }
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is called, if it is.
    pub title: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A session's title: at most 200 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTitle(String);

impl SessionTitle {
    /// Checks `text`.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            _ if text.chars().count() > 200 => Err("must be at most 200 characters"),
            _ if text.chars().any(char::is_control) => Err("must not contain control characters"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The title.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose conversations the `chat` contract shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationOwner {
    /// Those of all open users: the open chat is on.
    OpenUsers,
    /// Those of one account: the open chat is off.
    Account(UserId),
}
