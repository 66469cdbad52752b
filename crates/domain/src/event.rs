//! What happens in a session, in the one vocabulary from which every contract's frames are made.
//!
//! The edge makes events, the runner numbers and keeps them; `contracts` renders them.

mod coding;
mod of_session;
mod turn;
mod workflow;

pub use coding::{
    ApprovalEvent, ApprovalSubject, DecidedEvent, Decision, FileEdit, PatchBegun, PatchEnded,
    PlanEvent, PlanStep, PlanStepStatus, TurnDiff, UndoEvent, UndoPhase, WebSearchEvent,
};
pub use of_session::{MessageRow, OfSession, TurnRow};
pub use turn::{
    ReasoningEvent, RunEnded, RunOutcome, RunStarted, TokenCount, UsageEvent, WarningEvent,
    fault_of,
};
pub use workflow::{ExecutionProgress, WorkflowLocked, WorkflowUnlocked};

use crate::MessageStatus;
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
    /// Something that the reader should know, and that ends nothing.
    Warning(WarningEvent),
    /// A turn of agents began.
    RunStarted(RunStarted),
    /// It ended.
    RunEnded(RunEnded),
    /// What a model thinks before it speaks.
    Reasoning(ReasoningEvent),
    /// What an answer of a model took.
    Usage(UsageEvent),
    /// The agent waits until somebody allows what it is about to do.
    ApprovalRequested(ApprovalEvent),
    /// Somebody did, or did not.
    ApprovalDecided(DecidedEvent),
    /// A patch is about to be applied.
    PatchBegun(PatchBegun),
    /// It was applied, or was not.
    PatchEnded(PatchEnded),
    /// What the turn has changed up to now.
    TurnDiff(TurnDiff),
    /// How the agent means to go on.
    Plan(PlanEvent),
    /// The agent searches the web.
    WebSearch(WebSearchEvent),
    /// The files go back to where they were before a turn.
    Undo(UndoEvent),
    /// A workflow can be changed by an agent alone.
    WorkflowLocked(WorkflowLocked),
    /// It can be changed by everybody again.
    WorkflowUnlocked(WorkflowUnlocked),
    /// How far ComfyUI is with a workflow.
    ExecutionProgress(ExecutionProgress),
    /// Something of one session, in a room that several share.
    OfSession(OfSession),
}

impl Event {
    /// Whether every contract has words for it: messages, the team's work, tools, files.
    #[must_use]
    pub fn is_common(&self) -> bool {
        matches!(
            self,
            Self::Message(_)
                | Self::Status(_)
                | Self::ToolCall(_)
                | Self::FileChange(_)
                | Self::Warning(_)
        )
    }
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
    /// How far it got, once it is done. Events that were stored without it do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<MessageStatus>,
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_says_how_far_it_got_where_that_is_known() {
        for status in [
            None,
            Some(MessageStatus::Complete),
            Some(MessageStatus::Failed),
            Some(MessageStatus::Interrupted),
        ] {
            let mut written = json!({
                "type": "message", "message_id": Uuid::nil(), "sender": "agent", "agent": "Mike",
                "content": "x", "final": true,
            });
            if let Some(status) = status {
                written["status"] = json!(status.as_str());
            }
            let event = Event::Message(MessageEvent {
                message_id: Uuid::nil(),
                sender: Sender::Agent,
                agent: Some("Mike".to_owned()),
                content: "x".to_owned(),
                last: true,
                status,
            });
            assert_eq!(serde_json::to_value(&event).unwrap(), written);
            assert_eq!(serde_json::from_value::<Event>(written).unwrap(), event);
        }
    }
}
