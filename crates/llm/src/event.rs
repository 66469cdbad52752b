//! What an answer is made of.

use crate::ToolCall;
use serde_json::{Map, Value};

/// One piece of an answer. The last one is [`Event::Finish`]; before it come the whole tool calls
/// and, if the server counted, the usage.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The next piece of the text, exactly as it came.
    Text(String),
    /// The next piece of the model's reasoning.
    Reasoning(String),
    /// The model began to call a tool.
    ToolCallStarted {
        /// Which call of this answer, counted from 0.
        position: usize,
        /// The call's id; made here if the server gives none.
        id: String,
        /// The tool.
        name: String,
    },
    /// The next piece of a call's arguments.
    ToolCallArguments {
        /// Which call of this answer, counted from 0.
        position: usize,
        /// A piece of a JSON text.
        fragment: String,
    },
    /// A call is whole.
    ToolCall {
        /// Which call of this answer, counted from 0.
        position: usize,
        /// The call, to be kept in the conversation.
        call: ToolCall,
        /// Its arguments, parsed. A model can write nonsense: tell it so in the call's result.
        arguments: Result<Map<String, Value>, ArgumentsError>,
    },
    /// What the answer cost.
    Usage(Usage),
    /// The answer is whole.
    Finish {
        /// Why the model stopped.
        reason: FinishReason,
    },
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It had nothing more to say.
    Stop,
    /// The longest allowed answer was reached; text or arguments may be cut off.
    Length,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// The server held the rest back.
    ContentFilter,
    /// Another reason, in the server's word.
    Other(String),
}

impl FinishReason {
    pub(crate) fn from_wire(word: &str) -> Self {
        match word {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.chars().take(64).collect()),
        }
    }
}

/// More tokens than any question or answer has: a server that counts more is not believed.
const TOKENS_MOST: u64 = 1_000_000_000;

/// Tokens of one question and its answer, as the server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the question.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
}

impl Usage {
    pub(crate) fn from_wire(usage: &Value) -> Option<Self> {
        let count = |name| {
            let count = usage.get(name).and_then(Value::as_u64);
            count.map(|count| count.min(TOKENS_MOST))
        };
        let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
        if prompt.is_none() && completion.is_none() {
            return None;
        }
        let (prompt_tokens, completion_tokens) =
            (prompt.unwrap_or_default(), completion.unwrap_or_default());
        let sum = prompt_tokens.saturating_add(completion_tokens);
        Some(Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: count("total_tokens").unwrap_or(sum),
        })
    }
}

/// The arguments of a tool call are not a JSON object. The text is fit for the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the arguments are not a JSON object: {0}")]
pub struct ArgumentsError(pub String);
