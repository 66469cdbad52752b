//! Executions: what an agent has done, when, and at what cost.

use crate::{AgentId, ExecutionId, SessionId, Timestamp, word::words};
use uuid::Uuid;

words! {
    /// What an execution was for: a turn of a conversation, a piece of work that another agent
    /// handed over, or the run of a workflow.
    ExecutionType { Chat = "CHAT", Task = "TASK", Workflow = "WORKFLOW" }
}

words! {
    /// How an execution stands.
    ExecutionStatus {
        Running = "RUNNING",
        Succeeded = "SUCCEEDED",
        Failed = "FAILED",
        Cancelled = "CANCELLED",
    }
}

/// One execution of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// The run that it was part of, if it was part of one.
    pub run_id: Option<String>,
    /// Who executed.
    pub agent_id: AgentId,
    /// Where; the session may be gone.
    pub session_id: Option<SessionId>,
    /// What it was for.
    pub execution_type: ExecutionType,
    /// How it stands.
    pub status: ExecutionStatus,
    /// Why it failed or was cancelled, where that is known.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it is running.
    pub ended_at: Option<Timestamp>,
    /// What it used.
    pub usage: TokenUsage,
}

/// Tokens, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens of the questions.
    pub input: i64,
    /// Tokens of the answers.
    pub output: i64,
    /// What both cost, in millionths of the currency's unit.
    pub cost: i64,
    /// Whether a part of it was estimated, because a server did not count.
    pub estimated: bool,
}

impl Execution {
    /// How long it took, in milliseconds; none while it is running.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        let ended_at = self.ended_at?;
        // Clocks can be set back.
        Some(ended_at.0.saturating_sub(self.started_at.0).max(0))
    }
}
