//! What the open chat adds to the model's own times.
//!
//! The model stamps each token with the time of its sending; a reader on the same machine has
//! the same clock. The same number of streams asks the model directly and through the edge,
//! and the difference of the percentiles is what the edge adds.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use crate::client::{self, post_bytes};
use crate::report::table;
use crate::stack::{Stack, TOKENS};
use crate::tokens::{HEAD, Promise, Times, model_request, round, row};

/// Streams at once, and how many times over.
const STREAMS: [(usize, usize); 3] = [(1, 20), (50, 3), (200, 3)];

/// The promise at 200 streams.
const PROMISE: Promise = Promise { p50: 1.0, p99: 5.0 };

/// Measures both ways and returns the table.
pub(crate) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    let stack = Stack::start(binaries).await?;
    let user = client::post(stack.edge, "/api/v1/users/", r#"{"username":"reader"}"#).await?;
    let user = user
        .get("id")
        .and_then(serde_json::Value::as_i64)
        .context("a user without id")?;
    let mut rows = Vec::new();
    for (streams, rounds) in STREAMS {
        let rounds = if quick { rounds.div_ceil(4) } else { rounds };
        eprintln!("measuring the open chat at {streams} streams");
        let mut direct = Times::default();
        let mut edge = Times::default();
        for _ in 0..rounds {
            let asked = vec![model_request(); streams];
            direct.add(
                round(stack.model, asked, TOKENS)
                    .await
                    .context("the model, asked directly")?,
            );
            let asked = conversations(stack.edge, user, streams).await?;
            edge.add(
                round(stack.edge, asked, TOKENS)
                    .await
                    .context("the open chat")?,
            );
        }
        direct.sort();
        edge.sort();
        for (name, direct, edge) in [
            ("first token", &direct.first, &edge.first),
            ("per token", &direct.token, &edge.token),
        ] {
            rows.push(row(streams, name, direct, edge, PROMISE));
        }
    }
    let head = [&["open chat"], HEAD.as_slice()].concat();
    Ok(table(&head, &rows))
}

/// A conversation for each stream: one answers one message at a time.
async fn conversations(edge: SocketAddr, user: i64, count: usize) -> Result<Vec<Vec<u8>>> {
    let mut requests = Vec::new();
    for _ in 0..count {
        let body = format!(r#"{{"user_id":{user}}}"#);
        let made = client::post(edge, "/api/v1/conversations/", &body).await?;
        let id = made.get("id").and_then(serde_json::Value::as_i64);
        let id = id.context("a conversation without id")?;
        let body = format!(r#"{{"conversation_id":{id},"message":"measure"}}"#);
        requests.push(post_bytes("/api/v1/chat", &body));
    }
    Ok(requests)
}
