//! Sessions: what every contract's conversations have in common.

use crate::{SessionId, Timestamp, UserId};
use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};
use std::fmt;
use uuid::Uuid;

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
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Workspace,
        Self::Codex,
        Self::Studio,
        Self::Runtime,
        Self::Open,
    ];

    /// The kinds that accounts have: all but conversations of the open chat.
    pub const OF_ACCOUNTS: [Self; 4] = [Self::Workspace, Self::Codex, Self::Studio, Self::Runtime];

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

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
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Which contract it belongs to.
    pub kind: SessionKind,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is called, if it is.
    pub title: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was made, renamed, or last written in.
    pub updated_at: Timestamp,
}

/// How a request names a session: by its UUID or by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKey {
    /// Its UUID.
    Uuid(Uuid),
    /// Its number.
    Id(SessionId),
}

impl SessionKey {
    /// What `text` names; `None` where it is neither form of an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() < 20 {
            return text.parse().ok().map(|id| Self::Id(SessionId(id)));
        }
        // The one spelling that answers have.
        let hyphenated = text.len() == 36;
        let uuid = hyphenated.then(|| Uuid::parse_str(text).ok())?;
        uuid.map(Self::Uuid)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

/// By hand: what `untagged` makes costs a component tens of kilobytes.
struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = SessionKey;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a UUID or a whole number")
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<SessionKey, E> {
        Ok(SessionKey::Id(SessionId(id)))
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<SessionKey, E> {
        let key = i64::try_from(id).map(|id| SessionKey::Id(SessionId(id)));
        key.map_err(|_| E::invalid_value(Unexpected::Unsigned(id), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SessionKey, E> {
        SessionKey::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_spelling() {
        for kind in SessionKind::ALL {
            assert_eq!(SessionKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(SessionKind::parse("Open"), None);
    }

    #[test]
    fn both_forms_of_an_id() {
        let uuid = "0190a5c0-0000-7000-8000-0000000000ff";
        let by_uuid = Uuid::parse_str(uuid).ok().map(SessionKey::Uuid);
        let check = |text: &str, expected: Option<SessionKey>| {
            assert_eq!(SessionKey::parse(text), expected, "{text:?}");
            let json = serde_json::Value::from(text);
            assert_eq!(serde_json::from_value(json).ok(), expected, "{text:?}");
        };
        check(uuid, by_uuid);
        check(&uuid.to_uppercase(), by_uuid);
        let id = |id| Some(SessionKey::Id(SessionId(id)));
        check("7", id(7));
        check("0", id(0));
        check("9223372036854775807", id(i64::MAX));
        for text in [
            "",
            "-7",
            "+7",
            "7.0",
            " 7",
            "x",
            "9223372036854775808",
            "99999999999999999999",
            "0190a5c0000070008000000000000000",
            "{0190a5c0-0000-7000-8000-0000000000ff}",
            "../7",
            "٧",
        ] {
            check(text, None);
        }
        let number = serde_json::from_str::<SessionKey>("7").ok();
        assert_eq!(number, id(7));
        for wrong in ["7.5", "null", "[7]", "true"] {
            assert!(
                serde_json::from_str::<SessionKey>(wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
