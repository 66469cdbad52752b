//! The `chat` contract: users, conversations and streamed chat, open to whoever can reach it
//! ("后端 API 文档", sections 2 to 4).

use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::validation::{parses_as, parses_as_if_any};
use domain::{Message, OpenEmail, OpenUser, OpenUsername, Session, SessionTitle, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest message, in characters.
pub const MESSAGE_MAX_CHARS: usize = 32_000;

/// `POST /users/`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct UserCreate {
    /// 1 to 64 characters, unique among open users.
    #[garde(custom(parses_as!(OpenUsername::parse)))]
    pub username: String,
    /// Kept as given, at most 254 characters.
    #[serde(default)]
    #[garde(custom(parses_as_if_any!(OpenEmail::parse)))]
    pub email: Option<String>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Its name.
    pub username: String,
    /// Its address as it gave it.
    pub email: Option<String>,
    /// Its number.
    pub id: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<OpenUser> for User {
    fn from(user: OpenUser) -> Self {
        Self {
            username: user.username,
            email: user.email,
            id: user.id.0,
            created_at: user.created_at,
        }
    }
}

/// `POST /conversations/`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct ConversationCreate {
    /// Whose it will be.
    #[garde(skip)]
    pub user_id: i64,
    /// At most 200 characters.
    #[serde(default)]
    #[garde(custom(parses_as_if_any!(SessionTitle::parse)))]
    pub name: Option<String>,
}

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conversation {
    /// Whose it is.
    pub user_id: i64,
    /// What it is called, if it is.
    pub name: Option<String>,
    /// Its number.
    pub id: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Session> for Conversation {
    fn from(session: Session) -> Self {
        Self {
            user_id: session.user_id.0,
            name: session.title,
            id: session.id.0,
            created_at: session.created_at,
        }
    }
}

/// A conversation with its messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationWithMessages {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Its messages; an answer that is still being written is not among them.
    pub messages: Vec<ChatMessage>,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatMessage {
    /// `user` or `assistant`.
    #[schema(example = "assistant")]
    pub role: &'static str,
    /// Its text.
    pub content: String,
    /// Its number.
    pub id: i64,
    /// The conversation it belongs to.
    pub conversation_id: i64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// `complete`; `failed` or `interrupted` where the answer was cut short.
    #[schema(example = "complete")]
    pub status: &'static str,
}

impl From<Message> for ChatMessage {
    fn from(message: Message) -> Self {
        Self {
            role: message.role.as_str(),
            content: message.content,
            id: message.id.0,
            conversation_id: message.session_id.0,
            created_at: message.created_at,
            status: message.status.as_str(),
        }
    }
}

/// `POST /chat`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct ChatRequest {
    /// The conversation that the message goes to.
    #[garde(skip)]
    pub conversation_id: i64,
    /// 1 to 32,000 characters.
    #[garde(length(chars, min = 1, max = MESSAGE_MAX_CHARS))]
    pub message: String,
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Chat, Access::OpenChat, line, summary)
}

/// The contract's operations.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation((Method::Post, "/api/v1/users/"), "Create a user")
        .body("UserCreate")
        .answers(&[
            Answer::new(200, "The user.", Body::Json("User")),
            Answer::problem(400, "The name is taken."),
        ]),
    operation(
        (Method::Get, "/api/v1/users/{username}"),
        "Get a user by name",
    )
    .answers(&[
        Answer::new(200, "The user.", Body::Json("User")),
        Answer::problem(404, "There is none of that name."),
    ]),
    operation(
        (Method::Post, "/api/v1/conversations/"),
        "Create a conversation",
    )
    .body("ConversationCreate")
    .answers(&[
        Answer::new(200, "The conversation.", Body::Json("Conversation")),
        Answer::problem(404, "There is no such user."),
        Answer::problem(
            409,
            "The account has as many sessions as it may: delete one first.",
        ),
    ]),
    operation(
        (Method::Get, "/api/v1/users/{user_id}/conversations"),
        "List a user's conversations, newest first",
    )
    .query(&[
        Query::number("skip", "How many to skip.", 0, i64::MAX),
        Query::number("limit", "How many at most.", 10, 100),
    ])
    .answers(&[
        Answer::new(
            200,
            "The conversations; `X-Total-Count` says how many there are.",
            Body::JsonList("Conversation"),
        ),
        Answer::problem(404, "There is no such user."),
    ]),
    operation(
        (Method::Get, "/api/v1/conversations/{conversation_id}"),
        "Get a conversation and its messages",
    )
    .query(&[
        Query::number(
            "skip",
            "How many messages to skip from the oldest; without it, the newest come.",
            0,
            i64::MAX,
        ),
        Query::number("limit", "How many messages at most.", 200, 200),
    ])
    .answers(&[
        Answer::new(
            200,
            "The conversation; `X-Total-Count` says how many messages there are.",
            Body::Json("ConversationWithMessages"),
        ),
        Answer::problem(404, "There is no such conversation."),
    ]),
    operation(
        (Method::Post, "/api/v1/chat"),
        "Send a message and stream the answer",
    )
    .body("ChatRequest")
    .answers(&[
        Answer::new(
            200,
            "The answer as server-sent events, one per token: `data: <token>`. A model that \
             fails on the way ends it with `event: error`, whose data is a problem.",
            Body::EventStream,
        ),
        Answer::problem(404, "There is no such conversation."),
        Answer::problem(409, "It is still answering."),
        Answer::problem(502, "The model failed."),
        Answer::problem(503, "No model is configured or up."),
        Answer::problem(504, "The model did not answer in time."),
    ]),
];
