//! Client of the chat-completions wire, with the deviations of real servers.
//!
//! [`Client::stream`] asks a model and gives its [`Answer`] as a stream of [`Event`]s: text goes
//! out as it comes in, byte for byte; tool calls are put together and parsed once they are whole.
//! Reading is split from waiting: [`sse`] cuts bytes into server-sent events, the interpreter
//! turns their JSON into events, and only [`Answer`] knows about time and sockets.
//!
//! Invariants: the same bytes give the same events however the network cuts them; every input has
//! a limit (see [`limits`]); no wait is without end; no text meant for users carries the key or
//! what the server said about itself (that is [`Error::detail`], for the log).

mod answer;
mod body;
mod chunk;
mod client;
mod endpoint;
mod error;
mod event;
mod failure;
mod interpret;
pub mod limits;
mod reader;
mod request;
pub mod sse;
mod timeouts;
mod tool_calls;
mod watchdog;

pub use answer::Answer;
pub use client::Client;
pub use endpoint::{ApiKey, BaseUrl, Endpoint, EndpointError};
pub use error::Error;
pub use event::{ArgumentsError, Event, FinishReason, Usage};
pub use request::{Message, Request, Role, Tool, ToolCall};
pub use timeouts::Timeouts;
