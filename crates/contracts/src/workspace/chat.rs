//! "Chat" of the `workspace` document: a message to the team, and what came of it.

use super::sessions::Message;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::{Contract, Usage};
use domain::SessionKey;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest message, in characters.
pub const CONTENT_MAX_CHARS: usize = 32_000;

/// `POST /chat/messages`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct MessageCreate {
    /// The session, by its UUID or its number.
    #[schema(value_type = String)]
    #[garde(skip)]
    pub session_id: SessionKey,
    /// What the user says, 1 to 32,000 characters. `@Alex` addresses one of the team.
    #[garde(custom(is_said))]
    pub content: String,
}

fn is_said(text: &str, _: &()) -> garde::Result {
    said(text, CONTENT_MAX_CHARS)
}

/// Whether a text can be a message of at most `most` characters.
pub(crate) fn said(text: &str, most: usize) -> garde::Result {
    if text.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if text.contains('\0') {
        return Err(garde::Error::new("must not contain the character U+0000"));
    }
    if text.chars().count() > most {
        let message = format!("must be at most {most} characters");
        return Err(garde::Error::new(message));
    }
    Ok(())
}

/// A turn: the user's message, and everything that agents said to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatTurn {
    /// The user's message.
    pub user: Message,
    /// Every message of an agent, in order.
    pub responses: Vec<Message>,
    /// How the turn went.
    pub run: TurnRun,
}

/// How a turn went, and what it cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct TurnRun {
    /// Its UUID.
    pub id: String,
    /// `succeeded`, `failed` or `cancelled`.
    #[schema(example = "succeeded")]
    pub status: &'static str,
    /// What ended it, in one word: `completed`, `interrupted`, `step_limit`, `model_failed`, ….
    #[schema(example = "completed")]
    pub reason: Option<String>,
    /// The same in a sentence.
    pub detail: Option<String>,
    /// What all agents took together.
    #[serde(flatten)]
    pub usage: Usage,
}

/// `POST /sessions/{id}/interrupt`
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Interrupted {
    /// Whether there was a turn to interrupt.
    pub interrupted: bool,
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such session of yours.");

/// A turn ends before an agent said anything.
pub(super) const INTERRUPTED: Answer = Answer::problem(
    409,
    "The turn was interrupted before an agent said anything.",
);
pub(super) const MODEL_FAILED: Answer =
    Answer::problem(502, "The model failed before an agent said anything.");
pub(super) const NO_ROOM: Answer = Answer::problem(
    429,
    "The model's provider had no room for the turn before an agent said anything.",
);
pub(super) const OUT_OF_TIME: Answer =
    Answer::problem(504, "The turn's time was up before an agent said anything.");
pub(super) const UNANSWERED: Answer = Answer::problem(
    503,
    "The turn failed otherwise before an agent said anything; `detail` says why.",
);

/// A turn is not begun.
pub(crate) const TOO_MANY_TURNS: Answer = Answer::problem(
    429,
    "As many turns of yours are under way as may be; `Retry-After` says when to ask again.",
);

pub(crate) const OPERATIONS: &[Operation] = &[
    crate::operation::operation(
        Contract::Workspace,
        Access::SignedIn,
        (Method::Post, "/api/v1/chat/messages"),
        "Send a message to the team; the answer comes when the turn is done. With `Accept: \
         text/event-stream` the session's events come as they happen, and `turn` at the end; before \
         it an `error` with the problem, if no agent said anything",
    )
    .body("MessageCreate")
    .answers(&[
        Answer::new(
            200,
            "The turn; if an agent said something, also one that failed or was interrupted.",
            Body::Json("ChatTurn"),
        ),
        UNKNOWN,
        Answer::problem(409, "The session's last message is still being answered."),
        INTERRUPTED,
        TOO_MANY_TURNS,
        NO_ROOM,
        MODEL_FAILED,
        Answer::problem(503, "Nobody can work on it now; the message is not kept."),
        UNANSWERED,
        OUT_OF_TIME,
    ]),
    crate::operation::operation(
        Contract::Workspace,
        Access::SignedIn,
        (Method::Post, "/api/v1/sessions/{session_id}/interrupt"),
        "Stop the turn of a session",
    )
    .answers(&[
        Answer::new(200, "There is none.", Body::Json("Interrupted")),
        Answer::new(202, "It stops.", Body::Json("Interrupted")),
        UNKNOWN,
    ]),
    crate::operation::operation(
        Contract::Workspace,
        Access::SignedIn,
        (Method::Get, "/api/v1/sessions/{session_id}/export"),
        "Get a conversation as a file, be it one of one's own of the `chat` contract",
    )
    .query(&[Query::text(
        "format",
        "`markdown`, which is the default, or `json`.",
        false,
    )])
    .answers(&[
        Answer::new(200, "With `format=json`.", Body::Json("Exported")),
        UNKNOWN,
    ]),
    crate::operation::operation(
        Contract::Workspace,
        Access::SignedIn,
        (Method::Get, "/api/v1/messages/search"),
        "Search one's own messages, newest first, those of one's own conversations of the `chat` \
         contract too",
    )
    .query(&[
        Query::text(
            "q",
            "Terms that must all stand in a message; at most 200 characters.",
            true,
        ),
        Query::number("offset", "How many to skip.", 0, i64::MAX),
        Query::number("limit", "How many at most.", 50, 100),
    ])
    .answers(&[Answer::new(
        200,
        "The messages; `X-Total-Count` says how many there are.",
        Body::JsonList("FoundMessage"),
    )]),
];

/// A message that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundMessage {
    /// The message.
    pub message: Message,
    /// What its session is called, as lists of sessions have it.
    pub session_title: Option<String>,
    /// The part of it in which the first of the terms stands.
    pub snippet: String,
}

/// A conversation as a file, as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exported {
    /// The session's UUID.
    pub session_id: String,
    /// What it is called.
    pub title: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: domain::Timestamp,
    /// All of its messages, oldest first.
    pub messages: Vec<Message>,
}
