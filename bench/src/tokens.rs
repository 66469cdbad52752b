//! Tokens that are stamped with the time of their sending: how long each was under way.
//!
//! A reader on the same machine has the same clock as the model that stamps them.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use crate::client::{Connection, post_bytes};
use crate::load::percentile;
use crate::report::verdict;

/// What may be added to the model's own times at most, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promise {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// The times of many streams.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// From the request to the first token.
    pub(crate) first: Vec<Duration>,
    /// From a token's sending to its arrival.
    pub(crate) token: Vec<Duration>,
}

impl Times {
    pub(crate) fn add(&mut self, other: Self) {
        self.first.extend(other.first);
        self.token.extend(other.token);
    }

    pub(crate) fn sort(&mut self) {
        self.first.sort_unstable();
        self.token.sort_unstable();
    }

    /// Takes down the tokens that came just now in the answer to what was sent at `sent`.
    pub(crate) fn arrived(
        &mut self,
        sent: Instant,
        stamps: impl IntoIterator<Item = Duration>,
    ) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        for stamp in stamps {
            if self.token.is_empty() {
                self.first.push(sent.elapsed());
            }
            self.token.push(now.saturating_sub(stamp));
        }
        Ok(())
    }

    /// Whether a whole answer of so many tokens has arrived.
    pub(crate) fn is_whole(&self, tokens: u32) -> bool {
        self.token.len() >= usize::try_from(tokens).unwrap_or(usize::MAX)
    }
}

/// What the head of a table of these times says, after what its rows are about.
pub(crate) const HEAD: [&str; 8] = [
    "streams",
    "direct p50",
    "p99",
    "through p50",
    "p99",
    "added p50 ms",
    "added p99 ms",
    "promise",
];

/// A row: the model's own times, those through what is measured, and what was added.
pub(crate) fn row(
    streams: usize,
    name: &str,
    direct: &[Duration],
    through: &[Duration],
    promise: Promise,
) -> Vec<String> {
    let figures = [(direct, 50), (direct, 99), (through, 50), (through, 99)]
        .map(|(times, percent)| percentile(times, percent));
    let [direct_p50, direct_p99, through_p50, through_p99] = figures;
    let (p50, p99) = (through_p50 - direct_p50, through_p99 - direct_p99);
    let mut cells = vec![name.to_owned(), streams.to_string()];
    cells.extend(
        figures
            .iter()
            .chain(&[p50, p99])
            .map(|figure| format!("{figure:.2}")),
    );
    cells.push(format!(
        "<= {}, <= {}: {}",
        promise.p50,
        promise.p99,
        verdict(p50 <= promise.p50 && p99 <= promise.p99)
    ));
    cells
}

/// What asks the model directly.
pub(crate) fn model_request() -> Vec<u8> {
    let body =
        r#"{"model":"paced","stream":true,"messages":[{"role":"user","content":"measure"}]}"#;
    post_bytes("/v1/chat/completions", body)
}

/// All streams of so many tokens at once, each on a connection that is open before.
pub(crate) async fn round(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    tokens: u32,
) -> Result<Times> {
    let mut streams = JoinSet::new();
    for request in requests {
        let connection = Connection::open(address).await?;
        streams.spawn(read(connection, request, tokens));
    }
    let mut times = Times::default();
    while let Some(done) = streams.join_next().await {
        times.add(done??);
    }
    Ok(times)
}

async fn read(mut connection: Connection, request: Vec<u8>, tokens: u32) -> Result<Times> {
    let mut times = Times::default();
    let mut stamps = Stamps::default();
    let sent = Instant::now();
    connection.send(&request).await?;
    while !times.is_whole(tokens) {
        let bytes = connection.more().await?;
        if bytes.is_empty() {
            let read = times.token.len();
            bail!("the stream ended after {read} of {tokens} tokens");
        }
        times.arrived(sent, stamps.read(bytes))?;
    }
    Ok(times)
}

/// Finds the stamps in a stream, whatever stands around them: 19 digits and a blank.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    digits: String,
}

impl Stamps {
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Duration> {
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
