//! Section 5 of the `studio` document: sessions. Messages to their agents are in
//! [`super::messages`], sockets in [`super::frames`].

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::workspace::sessions::TOO_MANY;
use domain::{Timestamp, WorkflowId};
use serde::Serialize;
use utoipa::ToSchema;

/// `GET /sessions`: a session. What `POST /sessions` takes is
/// [`SessionCreate`](crate::workspace::sessions::SessionCreate).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudioSession {
    /// Its number.
    pub id: i64,
    /// What it is called; null before it has a title or a message.
    pub title: Option<String>,
    /// The workflow that it is about, if there is one.
    pub workflow_id: Option<i64>,
    /// `IDLE` or `RUNNING`.
    #[schema(example = "IDLE")]
    pub status: &'static str,
    /// How its newest message begins, if there is one.
    pub last_message_summary: Option<String>,
    /// When it was made, renamed, or last written in.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl StudioSession {
    /// `session`, which is about that workflow, whose newest message is `last_message` and which is
    /// being answered or not.
    #[must_use]
    pub fn of(
        session: domain::Session,
        workflow: Option<WorkflowId>,
        last_message: Option<String>,
        running: bool,
    ) -> Self {
        Self {
            id: session.id.0,
            title: session.title,
            workflow_id: workflow.map(|id| id.0),
            status: if running { "RUNNING" } else { "IDLE" },
            last_message_summary: last_message,
            updated_at: session.updated_at,
        }
    }
}

/// `POST /sessions`
#[derive(Debug, Serialize, ToSchema)]
pub struct NewSession {
    /// The new session's number.
    pub id: i64,
}

/// `GET /sessions/{id}/messages`: a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudioMessage {
    /// Its number.
    pub id: i64,
    /// `user` or `assistant`.
    #[schema(example = "assistant")]
    pub role: &'static str,
    /// What it says.
    pub content: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// `complete`; `failed` or `interrupted` where it was cut short.
    #[schema(example = "complete")]
    pub status: &'static str,
}

impl From<domain::Message> for StudioMessage {
    fn from(message: domain::Message) -> Self {
        Self {
            id: message.id.0,
            role: message.role.as_str(),
            content: message.content,
            created_at: message.created_at,
            status: message.status.as_str(),
        }
    }
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Studio, Access::SignedIn, line, summary)
}

// The document calls the parameter `id`; one path has one name for it.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation((Method::Get, "/api/v1/sessions"), "List one's sessions")
        .query(&[Query::text(
            "workflowId",
            "`studio` alone: only sessions about this workflow.",
            false,
        )])
        .answers(&[Answer::new(
            200,
            "With a token of `studio`: the sessions, newest first.",
            Body::EnvelopeList("StudioSession"),
        )]),
    operation((Method::Post, "/api/v1/sessions"), "Create a session")
        .body_if_any("SessionCreate")
        .answers(&[
            Answer::new(
                200,
                "With a token of `studio`: its number.",
                Body::Envelope("NewSession"),
            ),
            Answer::problem(404, "There is no such workflow."),
            TOO_MANY,
        ]),
    operation(
        (Method::Get, "/api/v1/sessions/{session_id}/messages"),
        "List a session's messages, oldest first",
    )
    .answers(&[Answer::new(
        200,
        "With a token of `studio`: the messages.",
        Body::EnvelopeList("StudioMessage"),
    )]),
];
