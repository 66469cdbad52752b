//! The load generator: each connection sends its next request when the last is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use crate::client::{Connection, get_bytes, post_bytes};

/// How hard, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Connections at once.
    pub(crate) connections: u32,
    /// Time that counts; a tenth of it goes before, to warm up.
    pub(crate) time: Duration,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// The same bytes each time.
    Get(String),
    /// A new user each time, at this path.
    Insert(String),
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Milliseconds.
    pub(crate) p50: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
}

impl Request {
    /// A `GET` of a path.
    pub(crate) fn get(path: &str) -> Self {
        Self::Get(path.to_owned())
    }

    /// A `POST` of a new user each time.
    pub(crate) fn insert(path: &str) -> Self {
        Self::Insert(path.to_owned())
    }

    fn bytes(&self, unique: &str, number: u64) -> Vec<u8> {
        match self {
            Self::Get(path) => get_bytes(path),
            Self::Insert(path) => {
                post_bytes(path, &format!(r#"{{"username":"u{unique}x{number}"}}"#))
            }
        }
    }
}

/// Runs the load. Any answer but 200 and 201 ends it: a figure of errors is none.
pub(crate) async fn run(address: SocketAddr, load: &Load, request: &Request) -> Result<Figures> {
    let start = Instant::now();
    let begin = start + load.time / 10;
    let end = begin + load.time;
    let mut connections = JoinSet::new();
    for number in 0..load.connections {
        let request = request.clone();
        connections.spawn(drive(address, request, number, begin, end));
    }
    let mut times = Vec::new();
    while let Some(done) = connections.join_next().await {
        times.extend(done??);
    }
    times.sort_unstable();
    #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
    let rate = times.len() as f64 / load.time.as_secs_f64();
    Ok(Figures {
        rate,
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
    })
}

/// The value below which so many of a hundred sorted times lie, in milliseconds.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

async fn drive(
    address: SocketAddr,
    request: Request,
    connection: u32,
    begin: Instant,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut client = Connection::open(address).await?;
    // The same database may have seen an earlier run.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let unique = format!("{:x}c{connection}", since.as_millis());
    let mut times = Vec::new();
    let mut bytes = request.bytes(&unique, 0);
    for number in 1.. {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let status = client.exchange(&bytes).await?;
        if status != 200 && status != 201 {
            bail!("the server answers {status}");
        }
        if sent >= begin {
            times.push(sent.elapsed());
        }
        if let Request::Insert(_) = request {
            bytes = request.bytes(&unique, number);
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let check = |times: &[Duration], percent, expected: f64| {
            assert!(
                (percentile(times, percent) - expected).abs() < 1e-9,
                "{percent}"
            );
        };
        check(&times, 50, 51.0);
        check(&times, 99, 100.0);
        check(&times[..1], 99, 1.0);
        assert!(percentile(&[], 50).is_nan());
    }
}
