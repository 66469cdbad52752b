//! What a turn of agents is told by as a whole.

use crate::ErrorKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A turn of agents began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run.
    pub run_id: Uuid,
}

/// How a run came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It did what it was to do.
    Succeeded,
    /// It did not.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// A turn of agents ended; nothing of it comes after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// The run.
    pub run_id: Uuid,
    /// How it came out.
    pub outcome: RunOutcome,
    /// What ended it, in one word.
    pub reason: String,
    /// The same in a sentence.
    pub detail: String,
    /// The last message of the turn; empty if there is none.
    pub output: String,
}

/// What the end of a turn for that reason ([`RunEnded::reason`]) is to whoever waited for an answer
/// that did not come.
#[must_use]
pub fn fault_of(reason: &str) -> ErrorKind {
    match reason {
        "completed" | "interrupted" => ErrorKind::Conflict,
        "model_failed" => ErrorKind::Upstream,
        "rate_limited" => ErrorKind::TooManyRequests,
        "time_limit" => ErrorKind::UpstreamTimeout,
        // Somebody is missing, or another limit is reached.
        _ => ErrorKind::Unavailable,
    }
}

/// What a model thinks before it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasoningEvent {
    /// The message that comes of it, if one does.
    pub message_id: Uuid,
    /// The increment.
    pub content: String,
}

/// Tokens of questions and answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// Of the questions.
    pub input: u64,
    /// Of the answers.
    pub output: u64,
}

/// What an answer of a model took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEvent {
    /// This answer.
    pub last: TokenCount,
    /// All answers of the session up to now; this one alone where nobody counts.
    pub total: TokenCount,
    /// How many tokens question and answer may have together, if that is known.
    pub window: Option<u64>,
}

/// Something that the reader should know, and that ends nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningEvent {
    /// In one word.
    pub code: String,
    /// Whose doing it is.
    pub agent: Option<String>,
    /// In a sentence.
    pub text: String,
}
