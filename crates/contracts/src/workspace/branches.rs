//! Branches of a conversation, which the `workspace` document does not have: a message is answered
//! again or edited, and what was there stays beside it.

use super::chat::{
    CONTENT_MAX_CHARS, INTERRUPTED, MODEL_FAILED, NO_ROOM, OUT_OF_TIME, TOO_MANY_TURNS, UNANSWERED,
    said,
};
use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

/// `POST /sessions/{id}/messages/{message_id}/edit`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct MessageEdit {
    /// What the user says instead, 1 to 32,000 characters; in a chat of `runtime` at most 8,000.
    #[garde(custom(is_said))]
    pub content: String,
}

fn is_said(text: &str, _: &()) -> garde::Result {
    said(text, CONTENT_MAX_CHARS)
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Workspace, Access::SignedIn, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such message in a session of yours.");
const BUSY: Answer = Answer::problem(409, "The session's last message is still being answered.");
const NOBODY: Answer = Answer::problem(503, "Nobody can work on it now; nothing is kept of it.");
const TURN: Answer = Answer::new(
    200,
    "The turn; of a chat of `runtime`, an `AgentChat`.",
    Body::Json("ChatTurn"),
);

/// What answers where a branch is begun.
const TURNS: &[Answer] = &[
    TURN,
    UNKNOWN,
    BUSY,
    INTERRUPTED,
    TOO_MANY_TURNS,
    NO_ROOM,
    MODEL_FAILED,
    NOBODY,
    UNANSWERED,
    OUT_OF_TIME,
];

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        (
            Method::Post,
            "/api/v1/sessions/{session_id}/messages/{message_id}/regenerate",
        ),
        "Have a message answered again, beside what was answered before: one of the user's, or the \
         one that an agent's answered. The new branch is shown. Streams as sending one does",
    )
    .answers(TURNS),
    operation(
        (
            Method::Post,
            "/api/v1/sessions/{session_id}/messages/{message_id}/edit",
        ),
        "Say something else instead of a message of one's own, beside what followed it. The new \
         branch is shown. Streams as sending one does",
    )
    .body("MessageEdit")
    .answers(TURNS),
    operation(
        (
            Method::Post,
            "/api/v1/sessions/{session_id}/messages/{message_id}/select",
        ),
        "Show the branch that a message is in: of several that go on from it, the newest",
    )
    .answers(&[
        Answer::new(200, "The message.", Body::Json("Message")),
        UNKNOWN,
        BUSY,
    ]),
    operation(
        (
            Method::Get,
            "/api/v1/sessions/{session_id}/messages/{message_id}/siblings",
        ),
        "List the messages that follow the same one as a message, itself among them, oldest first",
    )
    .query(&[
        Query::number("offset", "How many to skip.", 0, i64::MAX),
        Query::number("limit", "How many at most.", 50, 100),
    ])
    .answers(&[
        Answer::new(
            200,
            "The messages; `X-Total-Count` says how many there are.",
            Body::JsonList("Message"),
        ),
        UNKNOWN,
    ]),
];
