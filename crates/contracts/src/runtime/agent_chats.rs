//! "Agent Chat" of the `runtime` document: an agent answers, and its events are those of AG-UI.

use crate::Contract::Runtime;
use crate::Usage;
use crate::operation::{Access, Answer, Body, Method, Operation};
use crate::workspace::chat::TOO_MANY_TURNS;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The longest message, in characters.
pub const MESSAGE_MAX_CHARS: usize = 8_000;

/// `POST /agent-chats`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct AgentChatRequest {
    /// What the user says, 1 to 8,000 characters.
    #[garde(custom(is_said))]
    pub message: String,
    /// The UUID of the chat that goes on; without, a new one begins.
    #[serde(default)]
    #[garde(skip)]
    pub session_id: Option<String>,
}

fn is_said(text: &str, _: &()) -> garde::Result {
    crate::workspace::chat::said(text, MESSAGE_MAX_CHARS)
}

/// What the agent did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentChat {
    /// The chat's UUID.
    pub session_id: String,
    /// The agent's last message; empty if there is none.
    pub output: String,
    /// What the run took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What happened, in order.
    pub events: Vec<AgentEvent>,
}

/// An event of AG-UI, with the members that its type has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct AgentEvent {
    /// `RUN_STARTED`, `TEXT_MESSAGE_START`, `TEXT_MESSAGE_CONTENT`, `TEXT_MESSAGE_END`,
    /// `TOOL_CALL_START`, `TOOL_CALL_ARGS`, `TOOL_CALL_END`, `TOOL_CALL_RESULT`, `RUN_FINISHED` or
    /// `RUN_ERROR`.
    #[schema(example = "TEXT_MESSAGE_CONTENT")]
    pub r#type: &'static str,
    /// The chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The message; of a call, the one in which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Of `TEXT_MESSAGE_END`: `complete`; `failed` or `interrupted` where the message was cut short.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "complete")]
    pub status: Option<&'static str>,
    /// A piece of a message, or of a call's arguments; never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<String>,
    /// The call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// What a call came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The run's last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why the run ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the run took, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl AgentEvent {
    /// The event in AG-UI's own words, for its stream. They have none for `status`.
    #[must_use]
    pub fn in_own_words(&self) -> Value {
        let mut event = Map::new();
        event.insert("type".to_owned(), self.r#type.into());
        let of_call = self.r#type == "TOOL_CALL_START";
        let members = [
            ("threadId", &self.thread_id),
            ("runId", &self.run_id),
            (
                if of_call {
                    "parentMessageId"
                } else {
                    "messageId"
                },
                &self.message_id,
            ),
            ("delta", &self.delta),
            ("toolCallId", &self.tool_call_id),
            ("content", &self.result),
            ("result", &self.output),
            ("message", &self.error),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                event.insert(name.to_owned(), value.as_str().into());
            }
        }
        if of_call && let Some(tool) = &self.tool_name {
            event.insert("toolCallName".to_owned(), tool.as_str().into());
        }
        if let Some(usage) = &self.usage {
            let usage = json!({
                "inputTokens": usage.input_tokens,
                "outputTokens": usage.output_tokens,
                "cost": usage.cost,
                "estimated": usage.estimated,
            });
            event.insert("usage".to_owned(), usage);
        }
        let role = match self.r#type {
            "TEXT_MESSAGE_START" => Some("assistant"),
            "TOOL_CALL_RESULT" => Some("tool"),
            _ => None,
        };
        if let Some(role) = role {
            event.insert("role".to_owned(), role.into());
        }
        Value::Object(event)
    }
}

pub(crate) const OPERATIONS: &[Operation] = &[crate::operation::operation(
    Runtime,
    Access::SignedIn,
    (Method::Post, "/api/v1/agent-chats"),
    "Have an agent answer; the answer comes when it is done. With `Accept: text/event-stream` its \
     events come as they happen, in AG-UI's own words",
)
.body("AgentChatRequest")
.answers(&[
    Answer::new(
        200,
        "What the agent did; the last event of a run that failed is `RUN_ERROR`.",
        Body::Json("AgentChat"),
    ),
    Answer::problem(404, "There is no such chat of yours."),
    Answer::problem(
        409,
        "The chat's last message is still being answered, or a new one would be one session too \
         many.",
    ),
    TOO_MANY_TURNS,
    Answer::problem(503, "Nobody can work on it now; the message is not kept."),
])];
