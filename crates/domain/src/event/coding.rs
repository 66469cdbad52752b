//! What happens while an agent works on code: approvals, patches, plans, searches.

use serde::{Deserialize, Serialize};

/// What was done to a file, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FileEdit {
    /// It is made, or written anew.
    Add {
        /// The path below the workspace's root.
        path: String,
        /// All of it.
        content: String,
    },
    /// It is removed.
    Delete {
        /// The path below the workspace's root.
        path: String,
        /// What was in it.
        content: String,
    },
    /// It is changed.
    Update {
        /// The path below the workspace's root.
        path: String,
        /// How, as a unified diff.
        unified_diff: String,
        /// Its new path, if it moves.
        move_path: Option<String>,
    },
}

/// What an agent wants to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ApprovalSubject {
    /// To run a command.
    Command {
        /// Its words.
        command: Vec<String>,
        /// Where.
        cwd: String,
    },
    /// To change files.
    Patch {
        /// How.
        changes: Vec<FileEdit>,
    },
}

/// The agent waits until somebody allows what it is about to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalEvent {
    /// The call that waits, by which it is decided.
    pub call_id: String,
    /// What it is about.
    pub subject: ApprovalSubject,
    /// Why it is asked, in a sentence.
    pub reason: Option<String>,
}

/// What somebody decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may be done.
    Approved,
    /// It may be done, and its like for the rest of the session.
    ApprovedForSession,
    /// It may not.
    Denied,
    /// Nobody decided in time: it may not.
    TimedOut,
    /// Whoever executed the turn was cut off: nothing waits for it any more.
    Withdrawn,
}

/// It was decided what the agent may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedEvent {
    /// The call that waited.
    pub call_id: String,
    /// What was decided.
    pub decision: Decision,
}

/// A patch is about to be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchBegun {
    /// The call, or the submission.
    pub call_id: String,
    /// Whether nobody had to be asked.
    pub auto_approved: bool,
    /// What it changes.
    pub changes: Vec<FileEdit>,
}

/// A patch was applied, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchEnded {
    /// The call, or the submission.
    pub call_id: String,
    /// Whether it was; if not, no file is changed.
    pub success: bool,
    /// The files that it changed, or why it did not.
    pub output: String,
}

/// What the turn has changed up to now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnDiff {
    /// All files in one unified diff.
    pub unified_diff: String,
    /// Whether that is not all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// How far a step of a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// What is to be done.
    pub step: String,
    /// How far it is.
    pub status: PlanStepStatus,
}

/// How the agent means to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEvent {
    /// Why it changed.
    pub explanation: Option<String>,
    /// The steps in their order.
    pub plan: Vec<PlanStep>,
}

/// The agent searches the web.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebSearchEvent {
    /// The call.
    pub call_id: String,
    /// What it looks for.
    pub query: String,
    /// Whether the answer is there.
    pub done: bool,
}

/// How far an undo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoPhase {
    /// It begins.
    Started,
    /// The files are as they were.
    Succeeded,
    /// They are not.
    Failed,
}

/// The files go back to where they were before a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoEvent {
    /// How far it is.
    pub phase: UndoPhase,
    /// In a sentence.
    pub detail: Option<String>,
}
