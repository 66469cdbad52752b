//! Messages of a session.

use crate::{MessageId, SessionId, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// Its name in the database and on the model's wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Assistant]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// How far a message got.
///
/// ```text
/// Answering ──► Complete      the model finished
///           ──► Failed        the model failed; what there was is kept
///           ──► Interrupted   whoever was writing it is gone: its lease ran out
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Being written. It holds a lease, and no reader sees it yet.
    Answering,
    /// As it was meant to be.
    Complete,
    /// Cut short by a fault of the model.
    Failed,
    /// Cut short because its writer disappeared.
    Interrupted,
}

impl MessageStatus {
    /// Its name in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answering => "answering",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Answering,
            Self::Complete,
            Self::Failed,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number; later messages of a session have higher ones.
    pub id: MessageId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Who wrote it.
    pub role: Role,
    /// Which agent wrote it, if one did.
    pub agent: Option<String>,
    /// Its text.
    pub content: String,
    /// How far it got.
    pub status: MessageStatus,
    /// When it was written; for an answer, when it ended.
    pub created_at: Timestamp,
    /// Where it stands in its session's tree.
    pub place: MessagePlace,
    /// What an agent took for it: all that its model answered since the agent's message before,
    /// calls of tools included.
    pub usage: Option<Usage>,
}

/// Where a message stands in the tree of its session. What is answered again or edited has
/// siblings; everywhere else a session is a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePlace {
    /// The message before it, if one is.
    pub parent: Option<Uuid>,
    /// How many follow that one, this one included.
    pub siblings: i64,
    /// Which of them this one is, the oldest being 1.
    pub number: i64,
}

impl MessagePlace {
    /// The only one after `parent`.
    #[must_use]
    pub fn only(parent: Option<Uuid>) -> Self {
        Self {
            parent,
            siblings: 1,
            number: 1,
        }
    }
}
