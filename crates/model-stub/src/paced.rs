//! A model that sends tokens at a fixed rate, for measuring what stands between it and a reader.
//!
//! With [`Options::stamp`] each token is the time of its sending, in nanoseconds since 1970 and
//! ended by a blank; a reader on the same machine takes it from its own clock and has the time
//! that this token was under way.

use crate::{
    serve::serve as serve_router,
    wire::{self, Chunks},
};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::{Stream, StreamExt, stream};
use std::{
    convert::Infallible,
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// What every request is answered with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many tokens.
    pub tokens: u64,
    /// From one token to the next; the first comes at once.
    pub interval: Duration,
    /// Whether each token is the time of its sending.
    pub stamp: bool,
}

/// Serves the paced model until `stop` is cancelled.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    stop: CancellationToken,
    options: Options,
) -> io::Result<()> {
    let models = || async { r#"{"object":"list","data":[{"id":"paced","object":"model"}]}"# };
    let router = Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat_completions))
        .with_state(options);
    serve_router(listener, router, stop).await
}

/// The time as a token: nanoseconds since 1970.
#[must_use]
pub fn stamp() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos())
}

// The body is read (axum does it for the connection's sake) and not looked at.
async fn chat_completions(State(options): State<Options>, _body: axum::body::Bytes) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    (headers, Body::from_stream(events(options))).into_response()
}

fn events(options: Options) -> impl Stream<Item = Result<String, Infallible>> {
    let chunks = Chunks {
        id: "chatcmpl-paced".to_owned(),
        model: "paced".to_owned(),
        created: 0,
        include_usage: false,
    };
    let mut end = wire::event(&chunks.finish("stop"));
    end.push_str(&wire::event(
        &chunks.usage(0, usize::try_from(options.tokens).unwrap_or(0)),
    ));
    end.push_str(wire::DONE);
    let start = Instant::now();
    let tokens = stream::iter(0..options.tokens).then(move |number| {
        let chunks = chunks.clone();
        async move {
            // Counted from the start, so that late timers do not add up.
            let after = options
                .interval
                .as_nanos()
                .saturating_mul(u128::from(number));
            let after = u64::try_from(after).unwrap_or(u64::MAX);
            sleep_until(start + Duration::from_nanos(after)).await;
            let text = match options.stamp {
                true => format!("{} ", stamp()),
                false => format!("token{number} "),
            };
            Ok(wire::event(&chunks.text(&text)))
        }
    });
    tokens.chain(stream::iter([Ok(end)]))
}
