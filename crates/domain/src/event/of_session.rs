//! Events of a session in a room that several sessions share.

use super::Event;
use serde::{Deserialize, Serialize};

/// What happened in one session, for a room that several share: that of a user of `studio`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfSession {
    /// The session's number.
    pub session_id: i64,
    /// The row of the message that the event is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageRow>,
    /// The turn that was stopped, if the event is that one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnRow>,
    /// What happened.
    pub event: Box<Event>,
}

/// A message as its row has it, for readers who go by its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its number.
    pub id: i64,
    /// When it was written, in milliseconds since 1970; while it is, when it was begun.
    pub created_at: i64,
    /// `answering`, `complete`, `failed` or `interrupted`.
    pub status: String,
}

/// A turn for readers who go by numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRow {
    /// The number of the execution that it is, if it is one.
    pub execution_id: Option<i64>,
    /// The number of the workflow that it is about, if it is about one.
    pub workflow_id: Option<i64>,
}
