//! What happens in a session, in the one vocabulary from which every contract's frames are made.
//!
//! The edge makes events, the runner numbers and keeps them; `contracts` renders them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A piece of a message, or all of it.
    Message(MessageEvent),
    /// The team's work took a turn.
    Status(StatusEvent),
    /// A tool was called, put something out, or is done.
    ToolCall(ToolCallEvent),
    /// A file of the sandbox's workspace changed.
    FileChange(FileChange),
}

/// Who a message is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The person.
    User,
    /// An agent.
    Agent,
    /// The platform.
    System,
}

/// A piece of a message, or all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEvent {
    /// Which message.
    pub message_id: Uuid,
    /// Who it is from.
    pub sender: Sender,
    /// The agent's name, if it is from one.
    pub agent: Option<String>,
    /// The increment; with `last`, the whole.
    pub content: String,
    /// Whether the message is done.
    #[serde(rename = "final")]
    pub last: bool,
}

/// The team's work took a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusEvent {
    /// In one word.
    pub status: String,
    /// Who says so.
    pub agent: Option<String>,
    /// In a sentence.
    pub detail: Option<String>,
}

/// How far a tool call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolPhase {
    /// It was called.
    Started,
    /// It put something out.
    Output,
    /// It is done.
    Ended,
}

/// A tool was called, put something out, or is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCallEvent {
    /// Which call.
    pub tool_call_id: String,
    /// Who called.
    pub agent: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// How far it is.
    pub phase: ToolPhase,
    /// What it was called with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<serde_json::Value>,
    /// What it put out, or came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is there now.
    Created,
    /// Its content or its kind is another.
    Modified,
    /// It is gone.
    Deleted,
}

/// A file of the sandbox's workspace changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileChange {
    /// The path below the workspace's root, with `/` between names and none in front.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
}
