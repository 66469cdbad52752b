//! Sockets that wait: what one takes of the runner's memory.
//!
//! It is what the process has resident, so what the kernel keeps for a connection is not in it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::report::{table, verdict};
use crate::runner::{Backend, Runner, Setup, Socket, session};

const SOCKETS: usize = 2000;

/// Sockets of one room.
const PER_ROOM: [usize; 2] = [10, 1];

/// Sockets that are opened before anything counts, so that what is made once is there.
const FIRST: usize = 50;

/// The promise, in KiB.
const KIBIBYTES: f64 = 16.0;

/// Measures with few and with many rooms; each has a runner of its own, because memory that was
/// used once would be used again.
pub(super) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    let settle = Duration::from_secs(if quick { 1 } else { 5 });
    let mut rows = Vec::new();
    for per_room in PER_ROOM {
        eprintln!("measuring {SOCKETS} idle sockets, {per_room} to a room");
        let runner = Runner::start(Setup::new(binaries, &Backend::Namespace)).await?;
        let mut readers = JoinSet::new();
        // In rooms of their own.
        open(&runner, &mut readers, SOCKETS, FIRST, 1).await?;
        tokio::time::sleep(settle).await;
        let before = runner.memory()?;
        open(&runner, &mut readers, 0, SOCKETS, per_room).await?;
        tokio::time::sleep(settle).await;
        let after = runner.memory()?;
        if let Some(ended) = readers.try_join_next() {
            ended?.context("an idle socket")?;
            bail!("an idle socket ended");
        }
        readers.shutdown().await;
        rows.push(row(per_room, before, after));
    }
    let head = [
        "idle sockets",
        "sockets",
        "MiB before",
        "MiB after",
        "KiB each",
        "promise",
    ];
    Ok(table(&head, &rows))
}

fn row(per_room: usize, before: u64, after: u64) -> Vec<String> {
    #[allow(clippy::cast_precision_loss, reason = "some millions of bytes")]
    let [before, after, sockets] = [before as f64, after as f64, SOCKETS as f64];
    let each = (after - before) / 1024.0 / sockets;
    let mebibytes = |bytes: f64| format!("{:.1}", bytes / 1024.0 / 1024.0);
    let row = vec![
        format!("{per_room} to a room"),
        SOCKETS.to_string(),
        mebibytes(before),
        mebibytes(after),
        format!("{each:.2}"),
        format!("<= {KIBIBYTES} KiB: {}", verdict(each <= KIBIBYTES)),
    ];
    eprintln!("  {}", row.join("  "));
    row
}

/// Opens sockets one after the other, in rooms from this number on. Each is read by a task, which
/// answers its pings.
async fn open(
    runner: &Runner,
    readers: &mut JoinSet<Result<()>>,
    first_room: usize,
    sockets: usize,
    per_room: usize,
) -> Result<()> {
    for number in 0..sockets {
        let session = session(first_room + number / per_room);
        let mut socket = Socket::open(runner.front_door, &session, 256)
            .await
            .with_context(|| format!("socket {number} of {sockets}"))?;
        readers.spawn(async move {
            loop {
                socket.texts(|_| ()).await?;
            }
        });
    }
    Ok(())
}
