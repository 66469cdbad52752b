//! One room with many readers: what is published reaches every one of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::task::JoinSet;

use crate::report::{table, verdict};
use crate::runner::{Api, Backend, Runner, Setup, Socket, request, session};

const SOCKETS: u64 = 200;

/// The promise, in delivered messages a second.
const RATE: f64 = 100_000.0;

/// Connections that publish at once.
const PUBLISHERS: usize = 8;

/// Events of a request.
const BATCHES: [u64; 2] = [1, 16];

/// How many events publishers may be ahead of the readers, who would be cut off if it were
/// thousands: the rate of readers who keep up is what is measured.
const AHEAD: u64 = 400;

/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is counted, by everybody.
#[derive(Debug, Default)]
struct Counts {
    published: AtomicU64,
    delivered: AtomicU64,
}

/// One run.
#[derive(Debug)]
struct Run {
    /// Requests a second.
    requests: f64,
    /// Delivered messages a second.
    rate: f64,
    /// The runner's processor time for one, in microseconds.
    cost: f64,
}

/// Measures both ways of publishing, some runs each; the median counts.
pub(super) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    let (runs, time) = match quick {
        true => (3, Duration::from_secs(1)),
        false => (5, Duration::from_secs(4)),
    };
    let runner = Runner::start(Setup::new(binaries, &Backend::Namespace)).await?;
    let counts = Arc::new(Counts::default());
    let mut readers = JoinSet::new();
    for _ in 0..SOCKETS {
        let socket = Socket::open(runner.front_door, &session(0), 64 * 1024).await?;
        readers.spawn(read(socket, counts.clone()));
    }
    let mut rows = Vec::new();
    for batch in BATCHES {
        eprintln!("measuring {batch} events a request to {SOCKETS} sockets");
        let mut done = Vec::new();
        for _ in 0..runs {
            done.push(run(&runner, &counts, &mut readers, batch, time).await?);
        }
        done.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        let median = done.get(runs / 2).context("no run")?;
        let least = done.first().context("no run")?;
        rows.push(row(batch, median, least));
    }
    readers.shutdown().await;
    let head = [
        "fan-out",
        "sockets",
        "publishers",
        "requests/s",
        "messages/s",
        "worst run",
        "runner's CPU us each",
        "promise",
    ];
    Ok(table(&head, &rows))
}

fn row(batch: u64, median: &Run, least: &Run) -> Vec<String> {
    let name = match batch {
        1 => "one event a request".to_owned(),
        _ => format!("{batch} events a request"),
    };
    let row = vec![
        name,
        SOCKETS.to_string(),
        PUBLISHERS.to_string(),
        format!("{:.0}", median.requests),
        format!("{:.0}", median.rate),
        format!("{:.0}", least.rate),
        format!("{:.2}", median.cost),
        format!(">= {RATE:.0}: {}", verdict(median.rate >= RATE)),
    ];
    eprintln!("  {}", row.join("  "));
    row
}

/// Publishes for so long, and waits until all of it is delivered.
async fn run(
    runner: &Runner,
    counts: &Arc<Counts>,
    readers: &mut JoinSet<Result<()>>,
    batch: u64,
    time: Duration,
) -> Result<Run> {
    let before = counts.delivered.load(Ordering::Relaxed);
    let used = runner.processor_time()?;
    let request = Arc::new(publication(batch));
    let begun = Instant::now();
    let mut publishers = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let api = Api::open(runner).await?;
        let (request, counts) = (request.clone(), counts.clone());
        publishers.spawn(publish(api, request, counts, batch, begun + time));
    }
    let all = async {
        let mut requests = 0;
        while let Some(done) = publishers.join_next().await {
            requests += done??;
        }
        counts.wait_until_delivered().await?;
        Ok::<u64, anyhow::Error>(requests)
    };
    let requests = tokio::select! {
        requests = all => requests?,
        // No reader ends unless something is wrong.
        ended = readers.join_next() => {
            ended.context("no readers")??.context("a reader")?;
            bail!("a reader ended")
        }
    };
    let elapsed = begun.elapsed().as_secs_f64();
    let delivered = counts.delivered.load(Ordering::Relaxed) - before;
    #[allow(clippy::cast_precision_loss, reason = "counts of some seconds")]
    let (requests, delivered) = (requests as f64, delivered as f64);
    Ok(Run {
        requests: requests / elapsed,
        rate: delivered / elapsed,
        cost: (runner.processor_time()? - used) * 1e6 / delivered,
    })
}

impl Counts {
    /// Messages that are still under way.
    fn missing(&self) -> Result<u64> {
        let published = self.published.load(Ordering::Relaxed) * SOCKETS;
        let missing = published.checked_sub(self.delivered.load(Ordering::Relaxed));
        missing.context("more was delivered than published")
    }

    /// Every message must come, to everybody.
    async fn wait_until_delivered(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let missing = self.missing()?;
            if missing == 0 {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{missing} messages are missing after {PATIENCE:?}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Publishes again and again, as long as the readers keep up; how often it did.
async fn publish(
    mut api: Api,
    request: Arc<Vec<u8>>,
    counts: Arc<Counts>,
    batch: u64,
    end: Instant,
) -> Result<u64> {
    let mut requests = 0;
    while Instant::now() < end {
        if counts.missing()? > AHEAD * SOCKETS {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        // Counted before: what is published may arrive before its answer does.
        counts.published.fetch_add(batch, Ordering::Relaxed);
        api.send(&request).await.context("publishing")?;
        requests += 1;
    }
    Ok(requests)
}

async fn read(mut socket: Socket, counts: Arc<Counts>) -> Result<()> {
    loop {
        let mut texts = 0;
        socket.texts(|_| texts += 1).await?;
        counts.delivered.fetch_add(texts, Ordering::Relaxed);
    }
}

/// Pieces of an agent's message, as a model makes them.
fn publication(batch: u64) -> Vec<u8> {
    let session = session(0);
    let event = json!({
        "type": "message",
        "message_id": session,
        "sender": "agent",
        "agent": "Mike",
        "content": "some words of a model",
        "final": false,
    });
    let events: Vec<_> = (0..batch).map(|_| event.clone()).collect();
    let body = json!({ "events": events }).to_string();
    request("POST", &format!("/v1/rooms/{session}/events"), &body)
}
