//! `GET /agents/{id}/executions` of the `studio` document: what an agent has done.

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use domain::{Millionths, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// An execution of an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub agent_id: i64,
    /// Where it was; the session may be gone.
    pub session_id: Option<i64>,
    /// The UUID of the run that it was part of.
    pub run_id: Option<String>,
    /// `CHAT` for a turn of a conversation, `TASK` for work that another agent handed over,
    /// `WORKFLOW` for the run of a workflow.
    #[schema(example = "CHAT")]
    pub execution_type: &'static str,
    /// `RUNNING`, `SUCCEEDED`, `FAILED` or `CANCELLED`.
    #[schema(example = "SUCCEEDED")]
    pub status: &'static str,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// How long it took, in milliseconds; null while it is running.
    pub duration_ms: Option<i64>,
    /// What it used.
    pub token_usage: Tokens,
    /// What that cost, in the unit of the models' prices.
    pub cost: f64,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub start_time: Timestamp,
    /// When it ended; null while it is running.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub end_time: Option<Timestamp>,
}

/// Tokens that were used.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExecutionTokens)]
pub struct Tokens {
    /// Of the questions.
    pub input_tokens: i64,
    /// Of the answers.
    pub output_tokens: i64,
    /// Of both.
    pub total_tokens: i64,
    /// Whether a part of it was estimated, because a server did not count.
    pub estimated: bool,
}

impl From<domain::Execution> for Execution {
    fn from(execution: domain::Execution) -> Self {
        let usage = execution.usage;
        Self {
            id: execution.id.0,
            agent_id: execution.agent_id.0,
            session_id: execution.session_id.map(|id| id.0),
            execution_type: execution.execution_type.as_str(),
            status: execution.status.as_str(),
            duration_ms: execution.duration_ms(),
            run_id: execution.run_id,
            reason: execution.reason,
            token_usage: Tokens {
                input_tokens: usage.input,
                output_tokens: usage.output,
                total_tokens: usage.input.saturating_add(usage.output),
                estimated: usage.estimated,
            },
            cost: Millionths(usage.cost).units(),
            start_time: execution.started_at,
            end_time: execution.ended_at,
        }
    }
}

pub(crate) const OPERATIONS: &[Operation] = &[crate::operation::operation(
    Contract::Studio,
    Access::Administrator,
    (Method::Get, "/api/v1/agents/{id}/executions"),
    "List an agent's executions",
)
.query(&[
    Query::text("sessionId", "Only those in this session.", false),
    Query::text("status", "Only those of this status.", false),
    Query::text(
        "startTime",
        "Only those that began then or later: an ISO 8601 time, or a day.",
        false,
    ),
    Query::text(
        "endTime",
        "Only those that began then or earlier; of a day, at any time of it.",
        false,
    ),
    super::LIMIT,
    super::OFFSET,
])
.answers(&[
    Answer::new(
        200,
        "The executions, newest first; `X-Total-Count` says how many there are.",
        Body::EnvelopeList("Execution"),
    ),
    Answer::problem(404, "There is no such agent."),
])];
