//! The offline model: fixed rules behind the real wire.
//!
//! It is deterministic, says plainly that it is no language model and how to set a real one, and
//! plays whatever tools it is offered when asked to ("run: ls -la"), so that everything can be
//! tried without a key.
//!
//! | module | what it is |
//! |---|---|
//! | `question` | the request, as much of it as is understood |
//! | `steps` | the steps of a message, a line each |
//! | `forms` | the words that begin them, and which tools can do them |
//! | `parameters` | arguments in the shape that a tool's schema wants |
//! | `command` | what the steps come to with the tools that are offered |
//! | `reply` | the next call, or what is said |

mod command;
mod forms;
mod parameters;
mod question;
mod reply;
mod steps;

use crate::{
    serve::serve as serve_router,
    wire::{self, Chunks},
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::{StreamExt, stream};
use question::Question;
use reply::Reply;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The longest request, in bytes.
const MAX_BODY: usize = 8 << 20;

/// How the offline model behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long to wait before each token, as if one thought.
    pub token_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token_delay: Duration::from_millis(15),
        }
    }
}

/// Serves the offline model until `stop` is cancelled.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    stop: CancellationToken,
    options: Options,
) -> io::Result<()> {
    serve_router(listener, router(options), stop).await
}

fn router(options: Options) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat_completions))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "no such path") })
        .method_not_allowed_fallback(|| async {
            refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                "no such method on this path",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(options)
}

async fn models() -> Json<Value> {
    Json(json!({
        "object": "list",
        "data": [{"id": "offline", "object": "model", "created": 0, "owned_by": "atelier"}],
    }))
}

async fn chat_completions(
    State(options): State<Options>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    let question = match Question::parse(&body) {
        Ok(question) => question,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let reply = reply::reply(&question);
    let chunks = Chunks {
        id: format!("chatcmpl-offline-{}", question.messages.len()),
        model: question.model.clone(),
        created: now(),
        include_usage: question.include_usage(),
    };
    match question.stream {
        true => streamed(&chunks, &question, &reply, options.token_delay),
        false => Json(whole(&chunks, &question, &reply)).into_response(),
    }
}

/// The answer as a stream: role, tokens, reason, usage, end.
fn streamed(chunks: &Chunks, question: &Question, reply: &Reply, delay: Duration) -> Response {
    let mut parts = vec![chunks.role()];
    let reason = match reply {
        Reply::Text(text) => {
            parts.extend(
                wire::tokens(text)
                    .into_iter()
                    .map(|token| chunks.text(token)),
            );
            "stop"
        }
        Reply::Call(call) => {
            parts.push(chunks.call(0, &call.id, &call.name));
            let arguments = call.arguments();
            let fragments = wire::tokens(&arguments);
            parts.extend(
                fragments
                    .into_iter()
                    .map(|piece| chunks.arguments(0, piece)),
            );
            "tool_calls"
        }
    };
    parts.push(chunks.finish(reason));
    if chunks.include_usage {
        parts.push(chunks.usage(question.size(), reply.size()));
    }
    let mut events: Vec<String> = parts.iter().map(wire::event).collect();
    events.push(wire::DONE.to_owned());
    let paced = stream::iter(events).then(move |event| async move {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok::<_, Infallible>(event)
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Body::from_stream(paced)).into_response()
}

/// The answer as one JSON text.
fn whole(chunks: &Chunks, question: &Question, reply: &Reply) -> Value {
    let (message, reason) = match reply {
        Reply::Text(text) => (json!({"role": "assistant", "content": text}), "stop"),
        Reply::Call(call) => {
            let call = json!({
                "id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": call.arguments()},
            });
            let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            (message, "tool_calls")
        }
    };
    let usage = wire::usage(question.size(), reply.size());
    chunks.whole(&message, reason, &usage)
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let body = wire::error("invalid_request_error", message);
    (status, Json(body)).into_response()
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
