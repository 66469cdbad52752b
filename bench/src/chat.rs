//! What the open chat adds to the model's own times.
//!
//! The model stamps each token with the time of its sending; a reader on the same machine has
//! the same clock. The same number of streams asks the model directly and through the edge,
//! and the difference of the percentiles is what the edge adds.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::client::{self, Connection, post_bytes};
use crate::load::percentile;
use crate::report::{table, verdict};
use crate::stack::{Stack, TOKENS};

/// Streams at once, and how many times over.
const STREAMS: [(usize, usize); 3] = [(1, 20), (50, 3), (200, 3)];

/// The promise at 200 streams, in milliseconds.
const P50: f64 = 1.0;
const P99: f64 = 5.0;

/// The times of many streams.
#[derive(Debug, Default)]
struct Times {
    /// From the request to the first token.
    first: Vec<Duration>,
    /// From a token's sending to its arrival.
    token: Vec<Duration>,
}

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
                round(stack.model, asked)
                    .await
                    .context("the model, asked directly")?,
            );
            let asked = conversations(stack.edge, user, streams).await?;
            edge.add(round(stack.edge, asked).await.context("the open chat")?);
        }
        direct.sort();
        edge.sort();
        rows.push(row(streams, "first token", &direct.first, &edge.first));
        rows.push(row(streams, "per token", &direct.token, &edge.token));
    }
    let head = [
        "open chat",
        "streams",
        "direct p50",
        "p99",
        "edge p50",
        "p99",
        "added p50 ms",
        "added p99 ms",
        "promise",
    ];
    Ok(table(&head, &rows))
}

impl Times {
    fn add(&mut self, other: Self) {
        self.first.extend(other.first);
        self.token.extend(other.token);
    }

    fn sort(&mut self) {
        self.first.sort_unstable();
        self.token.sort_unstable();
    }
}

fn row(streams: usize, name: &str, direct: &[Duration], edge: &[Duration]) -> Vec<String> {
    let figures = [(direct, 50), (direct, 99), (edge, 50), (edge, 99)]
        .map(|(times, percent)| percentile(times, percent));
    let [direct_p50, direct_p99, edge_p50, edge_p99] = figures;
    let (p50, p99) = (edge_p50 - direct_p50, edge_p99 - direct_p99);
    let mut cells = vec![name.to_owned(), streams.to_string()];
    cells.extend(
        figures
            .iter()
            .chain(&[p50, p99])
            .map(|figure| format!("{figure:.2}")),
    );
    cells.push(format!(
        "<= {P50}, <= {P99}: {}",
        verdict(p50 <= P50 && p99 <= P99)
    ));
    cells
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

fn model_request() -> Vec<u8> {
    let body =
        r#"{"model":"paced","stream":true,"messages":[{"role":"user","content":"measure"}]}"#;
    post_bytes("/v1/chat/completions", body)
}

/// All streams at once, each on a connection that is open before.
async fn round(address: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Times> {
    let mut streams = JoinSet::new();
    for request in requests {
        let connection = Connection::open(address).await?;
        streams.spawn(read(connection, request));
    }
    let mut times = Times::default();
    while let Some(done) = streams.join_next().await {
        times.add(done??);
    }
    Ok(times)
}

async fn read(mut connection: Connection, request: Vec<u8>) -> Result<Times> {
    let mut times = Times::default();
    let mut stamps = Stamps::default();
    let sent = Instant::now();
    connection.send(&request).await?;
    let mut tokens = 0;
    while tokens < TOKENS {
        let bytes = connection.more().await?;
        if bytes.is_empty() {
            bail!("the stream ended after {tokens} of {TOKENS} tokens");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        for stamp in stamps.read(bytes) {
            if tokens == 0 {
                times.first.push(sent.elapsed());
            }
            tokens += 1;
            times.token.push(now.saturating_sub(stamp));
        }
    }
    Ok(times)
}

/// Finds the stamps in a stream, whatever stands around them: 19 digits and a blank.
#[derive(Debug, Default)]
struct Stamps {
    digits: String,
}

impl Stamps {
    fn read(&mut self, bytes: &[u8]) -> Vec<Duration> {
        let mut found = Vec::new();
        for byte in bytes {
            if byte.is_ascii_digit() {
                self.digits.push(char::from(*byte));
                continue;
            }
            if self.digits.len() == 19 {
                found.extend(self.digits.parse().map(Duration::from_nanos));
            }
            self.digits.clear();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_found_wherever_the_bytes_are_cut() {
        let stream = b"HTTP/1.1 200 OK\r\n\r\n2a\r\ndata: 1763000000000000001 \n\n\r\n\
                       data: {\"id\":7,\"content\":\"1763000000000000002 \"}\n\n";
        for cut in 0..stream.len() {
            let (one, two) = stream.split_at(cut);
            let mut stamps = Stamps::default();
            let mut found = stamps.read(one);
            found.extend(stamps.read(two));
            let expected = [1, 2].map(|n| Duration::from_nanos(1_763_000_000_000_000_000 + n));
            assert_eq!(found, expected, "cut at {cut}");
        }
    }
}
