//! What a model is asked: the conversation, the tools, the settings.

use serde_json::Value;

/// One question to a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Sampling temperature; the server's default if `None`.
    pub temperature: Option<f64>,
    /// The longest answer in tokens; the server's default if `None`.
    pub max_tokens: Option<u32>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The operator's instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; empty when the model only called tools.
    pub content: String,
    /// The calls that the model made, on a message of the assistant.
    pub tool_calls: Vec<ToolCall>,
    /// The call that this is the result of, on a message of a tool.
    pub tool_call_id: Option<String>,
}

impl Message {
    /// A message without tool calls.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }

    /// The result of the tool call `id`.
    #[must_use]
    pub fn tool_result(id: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            tool_call_id: Some(id.into()),
            ..Self::new(Role::Tool, content)
        }
    }
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON schema of its arguments.
    pub parameters: Value,
}

/// A call of a tool, as the model made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Pairs the call with its result.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as the model wrote them, meant to be a JSON object.
    pub arguments: String,
}
