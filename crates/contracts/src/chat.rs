//! The `chat` contract: users, conversations and streamed chat, open to whoever can reach it
//! ("后端 API 文档", sections 2 to 4).

use crate::openapi::{Answer, Body, Method, Operation, Query};
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

const SKIP: Query = Query {
    name: "skip",
    what: "How many to skip.",
    default: 0,
    most: i64::MAX,
};

/// The contract's operations.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/api/v1/users/",
        summary: "Create a user",
        query: &[],
        body: Some("UserCreate"),
        answers: &[
            Answer {
                status: 200,
                what: "The user.",
                body: Body::Json("User"),
            },
            Answer {
                status: 400,
                what: "The name is taken.",
                body: Body::Problem,
            },
        ],
    },
    Operation {
        method: Method::Get,
        path: "/api/v1/users/{username}",
        summary: "Get a user by name",
        query: &[],
        body: None,
        answers: &[
            Answer {
                status: 200,
                what: "The user.",
                body: Body::Json("User"),
            },
            Answer {
                status: 404,
                what: "There is none of that name.",
                body: Body::Problem,
            },
        ],
    },
    Operation {
        method: Method::Post,
        path: "/api/v1/conversations/",
        summary: "Create a conversation",
        query: &[],
        body: Some("ConversationCreate"),
        answers: &[
            Answer {
                status: 200,
                what: "The conversation.",
                body: Body::Json("Conversation"),
            },
            Answer {
                status: 404,
                what: "There is no such user.",
                body: Body::Problem,
            },
        ],
    },
    Operation {
        method: Method::Get,
        path: "/api/v1/users/{user_id}/conversations",
        summary: "List a user's conversations, newest first",
        query: &[
            SKIP,
            Query {
                name: "limit",
                what: "How many at most.",
                default: 10,
                most: 100,
            },
        ],
        body: None,
        answers: &[
            Answer {
                status: 200,
                what: "The conversations; `X-Total-Count` says how many there are.",
                body: Body::JsonList("Conversation"),
            },
            Answer {
                status: 404,
                what: "There is no such user.",
                body: Body::Problem,
            },
        ],
    },
    Operation {
        method: Method::Get,
        path: "/api/v1/conversations/{conversation_id}",
        summary: "Get a conversation and its messages",
        query: &[
            Query {
                name: "skip",
                what: "How many messages to skip from the oldest; without it, the newest come.",
                default: 0,
                most: i64::MAX,
            },
            Query {
                name: "limit",
                what: "How many messages at most.",
                default: 200,
                most: 200,
            },
        ],
        body: None,
        answers: &[
            Answer {
                status: 200,
                what: "The conversation; `X-Total-Count` says how many messages there are.",
                body: Body::Json("ConversationWithMessages"),
            },
            Answer {
                status: 404,
                what: "There is no such conversation.",
                body: Body::Problem,
            },
        ],
    },
    Operation {
        method: Method::Post,
        path: "/api/v1/chat",
        summary: "Send a message and stream the answer",
        query: &[],
        body: Some("ChatRequest"),
        answers: &[
            Answer {
                status: 200,
                what: "The answer as server-sent events, one per token: `data: <token>`. \
                       A model that fails on the way ends it with `event: error`, whose data is \
                       a problem.",
                body: Body::EventStream,
            },
            Answer {
                status: 404,
                what: "There is no such conversation.",
                body: Body::Problem,
            },
            Answer {
                status: 409,
                what: "It is still answering.",
                body: Body::Problem,
            },
            Answer {
                status: 502,
                what: "The model failed.",
                body: Body::Problem,
            },
            Answer {
                status: 503,
                what: "No model is configured or up.",
                body: Body::Problem,
            },
            Answer {
                status: 504,
                what: "The model did not answer in time.",
                body: Body::Problem,
            },
        ],
    },
];
