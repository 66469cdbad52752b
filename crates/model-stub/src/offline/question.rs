//! A request for a chat completion, as much of it as the offline model understands.

use super::parameters::Parameters;
use serde::Deserialize;
use serde_json::Value;

/// The most messages in one request.
const MAX_MESSAGES: usize = 10_000;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    pub(super) tools: Option<Vec<Tool>>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Message {
    pub(super) role: String,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    tool_call_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Call {
    id: String,
    function: CalledFunction,
}

#[derive(Debug, Deserialize)]
struct CalledFunction {
    name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    function: OfferedFunction,
}

#[derive(Debug, Deserialize)]
struct OfferedFunction {
    name: String,
    #[serde(default)]
    parameters: Value,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum QuestionError {
    #[error("the request cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("messages must be a list of 1 to {MAX_MESSAGES}")]
    Messages,
}

impl Question {
    pub(super) fn parse(body: &[u8]) -> Result<Self, QuestionError> {
        let question: Self = serde_json::from_slice(body)?;
        match question.messages.len() {
            1..=MAX_MESSAGES => Ok(question),
            _ => Err(QuestionError::Messages),
        }
    }

    pub(super) fn include_usage(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.is_some_and(|options| options.include_usage)
    }

    /// What the person, or whoever handed the work on, said last.
    pub(super) fn instruction(&self) -> String {
        let said = self.instruction_at();
        let said = said.and_then(|at| self.messages.get(at));
        said.map_or_else(String::new, Message::text)
    }

    /// What the tools answered since then, oldest first, with their names.
    pub(super) fn tool_results(&self) -> Vec<(String, String)> {
        let since = self.instruction_at().unwrap_or_default();
        let later = self.messages.iter().skip(since);
        let results = later.filter(|message| message.role == "tool");
        results
            .map(|message| (self.tool_name(message), message.text()))
            .collect()
    }

    fn instruction_at(&self) -> Option<usize> {
        let is_said = |message: &Message| message.role == "user" && !message.is_of_platform();
        let found = self.messages.iter().rposition(is_said);
        found.or_else(|| self.messages.iter().rposition(|one| one.role == "user"))
    }

    /// The parameters of the offered tool of that name.
    pub(super) fn parameters_of(&self, name: &str) -> Option<Parameters<'_>> {
        let mut offered = self.tools.iter().flatten().map(|tool| &tool.function);
        let tool = offered.find(|function| function.name == name)?;
        Some(Parameters(&tool.parameters))
    }

    pub(super) fn offers_tools(&self) -> bool {
        self.tools.as_ref().is_some_and(|tools| !tools.is_empty())
    }

    /// Tokens, counted in words: near enough for a stand-in.
    pub(super) fn size(&self) -> usize {
        let words = |message: &Message| message.text().split_whitespace().count();
        self.messages.iter().map(words).sum()
    }

    fn tool_name(&self, result: &Message) -> String {
        let calls = self
            .messages
            .iter()
            .rev()
            .flat_map(|message| message.tool_calls.iter().flatten());
        let is_its_call = |call: &&Call| Some(&call.id) == result.tool_call_id.as_ref();
        calls
            .filter(is_its_call)
            .map(|call| call.function.name.clone())
            .next()
            .unwrap_or_else(|| "tool".to_owned())
    }
}

impl Message {
    /// Whether it is the platform that speaks, in a role that the wire has no other name for:
    /// notices, summaries, what other agents said.
    fn is_of_platform(&self) -> bool {
        let text = self.text();
        let first = text.lines().next().unwrap_or_default();
        first.starts_with("[Notice of the platform]")
            || first == "[Summary of what happened before]"
            || (first.starts_with('[') && first.ends_with(" said to the user]"))
    }

    /// The content: a text, or the text parts of a list.
    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str))
                .collect(),
            _ => String::new(),
        }
    }
}
