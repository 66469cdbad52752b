//! What a [`super::ScriptedModel`] does with one request, faults included.

use super::Gate;
use crate::wire::{self, Chunks};
use serde_json::Value;
use std::time::Duration;

/// The answer to one request, step by step. Every step that sends is one write to the socket.
///
/// A streamed answer begins with its head (sent by [`Script::head`] or with the first bytes) and
/// ends in good order after the last step, unless that is [`Script::reset`], [`Script::cut`],
/// [`Script::stall`] or [`Script::forever`].
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) steps: Vec<Step>,
    chunks: Chunks,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Head,
    Bytes(Vec<u8>),
    Wait(Duration),
    Hold(Gate),
    Forever(Vec<u8>, Duration),
    Stall,
    Reset,
    Cut,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// An empty stream of server-sent events with status 200.
    #[must_use]
    pub fn new() -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
            steps: Vec::new(),
            chunks: Chunks {
                id: "chatcmpl-scripted".to_owned(),
                model: "scripted".to_owned(),
                created: 1,
                include_usage: false,
            },
        }
    }

    /// A whole answer of these tokens.
    #[must_use]
    pub fn answer(tokens: &[&str]) -> Self {
        Self::new().tokens(tokens).finish("stop").done()
    }

    /// A whole answer that calls these tools, by the ids `call_0`, `call_1` and so on.
    #[must_use]
    pub fn calls(calls: &[(&str, Value)]) -> Self {
        Self::new().and_calls(calls)
    }

    /// A whole answer that calls one tool.
    #[must_use]
    pub fn call(tool: &str, arguments: &Value) -> Self {
        Self::calls(&[(tool, arguments.clone())])
    }

    /// A whole answer as one JSON text, as to a request that wants no stream: the message of the
    /// assistant, why the model stopped, and the tokens of the question and of the answer.
    #[must_use]
    pub fn whole(message: &Value, reason: &str, prompt: usize, completion: usize) -> Self {
        let usage = wire::usage(prompt, completion);
        let body = Self::new().chunks.whole(message, reason, &usage);
        Self::response(200, "application/json", body.to_string())
    }

    /// A response with this status and a JSON error in the usual shape.
    #[must_use]
    pub fn refusal(status: u16, message: &str) -> Self {
        let body = wire::error("server_error", message).to_string();
        Self::response(status, "application/json", body)
    }

    /// A response with this status and body, sent whole.
    #[must_use]
    pub fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut script = Self::new();
        script.status = status;
        script.headers = vec![("content-type".to_owned(), content_type.to_owned())];
        script.bytes(body)
    }

    /// Adds a header field to the response, such as `retry-after`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the head now, before the first bytes of the body.
    #[must_use]
    pub fn head(self) -> Self {
        self.step(Step::Head)
    }

    /// Sends a piece of text.
    #[must_use]
    pub fn token(self, text: &str) -> Self {
        let chunk = self.chunks.text(text);
        self.json(&chunk)
    }

    /// Sends pieces of text.
    #[must_use]
    pub fn tokens(self, tokens: &[&str]) -> Self {
        tokens
            .iter()
            .fold(self, |script, token| script.token(token))
    }

    /// Sends a piece of text with every byte of its event in a write of its own: characters of
    /// several bytes, line ends and everything else are torn apart.
    #[must_use]
    pub fn torn_token(self, text: &str) -> Self {
        let event = wire::event(&self.chunks.text(text));
        let bytes = event.into_bytes().into_iter();
        bytes.fold(self, |script, byte| script.bytes([byte]))
    }

    /// Sends a piece of reasoning.
    #[must_use]
    pub fn reasoning(self, text: &str) -> Self {
        let chunk = self.chunks.reasoning(text);
        self.json(&chunk)
    }

    /// Sends a tool call as the wire's inventor does: opened, then its arguments in two pieces.
    #[must_use]
    pub fn tool_call(self, index: usize, id: &str, name: &str, arguments: &str) -> Self {
        let middle = arguments.floor_char_boundary(arguments.len() / 2);
        let (left, right) = arguments.split_at(middle);
        let chunks = [
            self.chunks.call(index, id, name),
            self.chunks.arguments(index, left),
            self.chunks.arguments(index, right),
        ];
        chunks.iter().fold(self, Self::json)
    }

    /// Sends these tool calls as [`Script::calls`] does, and the end of the answer.
    #[must_use]
    pub fn and_calls(self, calls: &[(&str, Value)]) -> Self {
        let numbered = calls.iter().enumerate();
        let called = numbered.fold(self, |script, (index, (tool, arguments))| {
            let id = format!("call_{index}");
            script.tool_call(index, &id, tool, &arguments.to_string())
        });
        called.finish("tool_calls").done()
    }

    /// Sends a chunk with this delta: for tool calls without index and other liberties.
    #[must_use]
    pub fn delta(self, delta: &Value) -> Self {
        let chunk = self.chunks.delta(delta);
        self.json(&chunk)
    }

    /// Sends the reason why the model stopped.
    #[must_use]
    pub fn finish(self, reason: &str) -> Self {
        let chunk = self.chunks.finish(reason);
        self.json(&chunk)
    }

    /// Sends the usage.
    #[must_use]
    pub fn usage(self, prompt: usize, completion: usize) -> Self {
        let chunk = self.chunks.usage(prompt, completion);
        self.json(&chunk)
    }

    /// Sends `[DONE]`.
    #[must_use]
    pub fn done(self) -> Self {
        self.bytes(wire::DONE)
    }

    /// Sends an error inside the stream.
    #[must_use]
    pub fn error(self, message: &str) -> Self {
        self.json(&wire::error("server_error", message))
    }

    /// Sends an event with this JSON.
    #[must_use]
    pub fn json(self, json: &Value) -> Self {
        self.bytes(wire::event(json))
    }

    /// Sends an event with this data, which need not be JSON.
    #[must_use]
    pub fn data(self, data: &str) -> Self {
        self.bytes(format!("data: {data}\n\n"))
    }

    /// Sends these bytes of the body.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Waits.
    #[must_use]
    pub fn wait(self, duration: Duration) -> Self {
        self.step(Step::Wait(duration))
    }

    /// Waits for the test.
    #[must_use]
    pub fn hold(self, gate: &Gate) -> Self {
        self.step(Step::Hold(gate.clone()))
    }

    /// Sends this piece of text again and again, without end.
    #[must_use]
    pub fn forever(self, text: &str, interval: Duration) -> Self {
        let event = wire::event(&self.chunks.text(text));
        self.step(Step::Forever(event.into_bytes(), interval))
    }

    /// Never sends again; the connection stays.
    #[must_use]
    pub fn stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// Resets the connection (RST).
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Closes the connection without ending the body (FIN).
    #[must_use]
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}
