//! "Sessions" of the `workspace` document.

use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::validation::{changes_as, parses_as_if_any};
use crate::{Change, Contract, Usage};
use domain::{MessageStatus, Role, SessionTitle, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /sessions`, `SessionCreate`. It may be left out as a whole. The path is `studio`'s too.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
pub struct SessionCreate {
    /// At most 200 characters; without, the session is called as its first message begins.
    #[serde(default)]
    #[garde(custom(parses_as_if_any!(SessionTitle::parse)))]
    pub title: Option<String>,
    /// `studio` alone: the workflow that the session is about.
    #[serde(default, rename = "workflowId")]
    #[garde(skip)]
    pub workflow_id: Option<i64>,
}

/// `PATCH /sessions/{id}`. What it does not name stays.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
pub struct SessionChange {
    /// At most 200 characters; null for the one that its first message makes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    #[garde(custom(changes_as!(SessionTitle::parse)))]
    pub title: Change<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its UUID.
    pub id: String,
    /// What it is called; null before it has a title or a message.
    pub title: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was made, renamed, or last written in.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Its sandbox; null where there is none.
    pub sandbox: Option<SessionSandbox>,
}

/// How a session's sandbox is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionSandbox {
    /// `starting`, `running` or `stopped`; `unknown` while whoever runs sandboxes cannot be
    /// asked.
    #[schema(example = "running")]
    pub status: &'static str,
    /// Whether it has the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
    /// When it will be destroyed unless it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl SessionSandbox {
    /// Nobody can be asked.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            status: "unknown",
            network: None,
            expires_at: None,
        }
    }
}

impl Session {
    /// `session` with its sandbox.
    #[must_use]
    pub fn of(session: domain::Session, sandbox: Option<SessionSandbox>) -> Self {
        Self {
            id: session.uuid.to_string(),
            title: session.title,
            created_at: session.created_at,
            updated_at: session.updated_at,
            sandbox,
        }
    }
}

/// A message of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// Its UUID.
    pub message_id: String,
    /// The UUID of its session.
    pub session_id: String,
    /// `user`, `agent` or `system`.
    #[schema(example = "agent")]
    pub sender: &'static str,
    /// The agent's name, if it is from one.
    pub agent: Option<String>,
    /// What it says.
    pub content: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// Always true here: messages that are being written are not listed.
    #[serde(rename = "final")]
    pub last: bool,
    /// `complete`; `failed` or `interrupted` where it was cut short.
    #[schema(example = "complete")]
    pub status: &'static str,
    /// The message before it, if one is.
    pub parent_id: Option<String>,
    /// How many messages follow that one, this one included: what is answered again or edited has
    /// siblings.
    #[schema(example = 1)]
    pub siblings: i64,
    /// Which of them this one is, the oldest being 1.
    #[schema(example = 1)]
    pub sibling: i64,
    /// What an agent took for it: all that its model answered since the agent's message before,
    /// calls of tools included. Only messages of agents have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Message {
    /// `message` of `session`.
    #[must_use]
    pub fn of(session: &domain::Session, message: domain::Message) -> Self {
        Self::in_session(session.uuid, message)
    }

    /// `message` of the session of that UUID.
    #[must_use]
    pub fn in_session(session: Uuid, message: domain::Message) -> Self {
        Self {
            message_id: message.uuid.to_string(),
            session_id: session.to_string(),
            sender: match message.role {
                Role::User => "user",
                Role::Assistant => "agent",
            },
            agent: message.agent,
            content: message.content,
            timestamp: message.created_at,
            last: message.status != MessageStatus::Answering,
            status: message.status.as_str(),
            parent_id: message.place.parent.map(|parent| parent.to_string()),
            siblings: message.place.siblings,
            sibling: message.place.number,
            usage: message.usage.map(Usage::from),
        }
    }
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Workspace, Access::SignedIn, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such session of yours.");
const OFFSET: Query = Query::number("offset", "How many to skip.", 0, i64::MAX);

/// A session is not made.
pub(crate) const TOO_MANY: Answer = Answer::problem(
    409,
    "There are as many sessions of yours as may be: delete one first.",
);

const PART: &[Query] = &[
    Query::number(
        "offset",
        "How many to skip from the oldest on; without, the newest ones come.",
        0,
        i64::MAX,
    ),
    Query::number("limit", "How many at most.", 200, 200),
];
const LISTED: &[Answer] = &[
    Answer::new(
        200,
        "The messages; `X-Total-Count` says how many there are.",
        Body::JsonList("Message"),
    ),
    UNKNOWN,
];

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        (Method::Get, "/api/v1/sessions"),
        "List one's sessions, newest first",
    )
    .query(&[
        OFFSET,
        Query::number(
            "limit",
            "How many at most: 100, and with a token of `studio` 200.",
            50,
            200,
        ),
        Query::text(
            "kind",
            "Only those of `workspace`, of `codex`, or of `runtime`: its chats. Without, those of \
             the first two, and with a token of `runtime` its chats as well.",
            false,
        ),
    ])
    .answers(&[Answer::new(
        200,
        "The sessions; `X-Total-Count` says how many there are.",
        Body::JsonList("Session"),
    )]),
    operation((Method::Post, "/api/v1/sessions"), "Create a session")
        .body_if_any("SessionCreate")
        .answers(&[
            Answer::new(201, "The session.", Body::Json("Session")),
            TOO_MANY,
        ]),
    operation(
        (Method::Get, "/api/v1/sessions/{session_id}"),
        "Get a session",
    )
    .answers(&[
        Answer::new(200, "The session.", Body::Json("Session")),
        UNKNOWN,
    ]),
    operation(
        (Method::Patch, "/api/v1/sessions/{session_id}"),
        "Rename a session",
    )
    .body("SessionChange")
    .answers(&[
        Answer::new(200, "The session.", Body::Json("Session")),
        UNKNOWN,
    ]),
    operation(
        (Method::Delete, "/api/v1/sessions/{session_id}"),
        "Delete a session and its sandbox",
    )
    .answers(&[Answer::nothing("It is gone."), UNKNOWN]),
    operation(
        (Method::Get, "/api/v1/sessions/{session_id}/messages"),
        "List a session's messages, oldest first",
    )
    .query(PART)
    .answers(LISTED),
    operation(
        (Method::Get, "/api/v1/chat/messages/{session_id}"),
        "List a session's messages, oldest first",
    )
    .query(PART)
    .answers(LISTED),
];
