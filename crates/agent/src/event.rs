//! What readers are told of a run.
//!
//! Events go out in batches: all that a stored step tells, at once and after the step is stored,
//! with the step's number; or one that no step keeps (a piece of text, a tool's output under way).
//! A reader that names the last step it has seen is told everything from there on, once.

use crate::{CallState, MessageState, Outcome, Reason, Usage};
use domain::FileChange;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Events that go out together: one line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The step that they tell, if a step does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// At least one.
    pub events: Vec<Event>,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whose doing it is.
    pub agent: Option<String>,
    /// The call of `assign` whose work it belongs to; `None` for the turn itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// A run began; before everything else.
    RunStarted {
        /// The run.
        run_id: Uuid,
    },
    /// The user's message.
    UserMessage {
        /// The message.
        message_id: Uuid,
        /// Its text.
        text: String,
    },
    /// The team's work took a turn.
    Status {
        /// In one word: `working`, `assigned`, `reviewing`, `finished`, `failed`, `interrupted`.
        status: String,
        /// In a sentence.
        detail: Option<String>,
    },
    /// What the model thinks before it speaks; kept nowhere.
    Reasoning {
        /// The message that comes of it, if one does.
        message_id: Uuid,
        /// The increment, never empty.
        text: String,
    },
    /// An agent's message begins.
    MessageStarted {
        /// The message.
        message_id: Uuid,
    },
    /// A piece of a message.
    MessageDelta {
        /// The message.
        message_id: Uuid,
        /// The increment, never empty.
        text: String,
    },
    /// A message is there.
    MessageEnded {
        /// The message.
        message_id: Uuid,
        /// The whole text.
        text: String,
        /// How far it got.
        state: MessageState,
    },
    /// A tool was called.
    ToolStarted {
        /// The call.
        call_id: String,
        /// The message in which the model called.
        message_id: Uuid,
        /// The tool.
        tool: String,
        /// The arguments: JSON, or the text if it is none.
        arguments: Value,
    },
    /// A tool put something out.
    ToolOutput {
        /// The call.
        call_id: String,
        /// The tool.
        tool: String,
        /// The increment, never empty.
        text: String,
    },
    /// A call came to its end.
    ToolEnded {
        /// The call.
        call_id: String,
        /// The tool.
        tool: String,
        /// How it ended.
        state: CallState,
        /// What the model is told of its output.
        output: String,
        /// Bytes of the whole output.
        size: u64,
        /// What the tool tells readers besides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<Value>,
        /// How long it took.
        duration_ms: u64,
    },
    /// A tool changed a file of the workspace.
    FileChange {
        /// The call.
        call_id: String,
        /// The file, and what happened to it.
        change: FileChange,
    },
    /// Something that the session's room is told, and nobody else.
    Room {
        /// What.
        event: domain::Event,
    },
    /// What an answer of a model cost.
    Usage {
        /// The answer's usage.
        usage: Usage,
    },
    /// Earlier messages are told to the model by a summary from now on.
    Compacted {
        /// The last step that the summary tells.
        through: u64,
    },
    /// Something that readers should know, and that ends nothing.
    Warning {
        /// In one word.
        code: String,
        /// In a sentence.
        text: String,
    },
    /// The run ended; nothing comes after it.
    RunEnded {
        /// How it came out.
        outcome: Outcome,
        /// What ended it.
        reason: Reason,
        /// The same in a sentence.
        detail: String,
        /// The last message of the turn, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<Uuid>,
        /// Its text; empty if there is none.
        output: String,
        /// What the run cost.
        usage: Usage,
    },
}
