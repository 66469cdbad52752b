//! The JSON of a request, as the wire has it.

use crate::{Endpoint, Message, Request, Role, Tool, ToolCall};
use serde::Serialize;
use serde_json::Value;

/// Whether the server is asked to count tokens; a few refuse to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountUsage {
    Ask,
    DoNotAsk,
}

/// The body that asks for a chat completion.
pub(crate) fn chat_completion(
    endpoint: &Endpoint,
    request: &Request,
    usage: CountUsage,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Body {
        model: &endpoint.model,
        messages: request.messages.iter().map(WireMessage::from).collect(),
        stream: endpoint.streams,
        // A whole answer has the usage with it, and servers refuse to be asked for it.
        stream_options: (endpoint.streams && usage == CountUsage::Ask).then_some(StreamOptions {
            include_usage: true,
        }),
        tools: request.tools.iter().map(WireTool::from).collect(),
        temperature: request.temperature,
        max_tokens: request.max_tokens,
        reasoning_effort: endpoint.reasoning_effort,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    // An empty list is an error to some servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: Role,
    // `null` beside tool calls: an empty text there is an error to some servers.
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

impl<'a> From<&'a Message> for WireMessage<'a> {
    fn from(message: &'a Message) -> Self {
        let says_nothing = message.content.is_empty() && !message.tool_calls.is_empty();
        Self {
            role: message.role,
            content: (!says_nothing).then_some(&message.content),
            tool_calls: message.tool_calls.iter().map(WireCall::from).collect(),
            tool_call_id: message.tool_call_id.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a ToolCall> for WireCall<'a> {
    fn from(call: &'a ToolCall) -> Self {
        Self {
            id: &call.id,
            r#type: "function",
            function: CalledFunction {
                name: &call.name,
                arguments: &call.arguments,
            },
        }
    }
}

#[derive(Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: OfferedFunction<'a>,
}

#[derive(Serialize)]
struct OfferedFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

impl<'a> From<&'a Tool> for WireTool<'a> {
    fn from(tool: &'a Tool) -> Self {
        Self {
            r#type: "function",
            function: OfferedFunction {
                name: &tool.name,
                description: &tool.description,
                parameters: &tool.parameters,
            },
        }
    }
}
