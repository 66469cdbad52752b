//! A command makes a file, and a reader of the session's room is told.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Findings, Times, at_most, with_runner};
use crate::runner::{Api, Setup, Socket, session};

/// The promise, in milliseconds at p95.
const CHANGE: f64 = 150.0;

/// How long a frame may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a file is made before the first frame must come.
const TRIES: usize = 20;

/// The longest pause between two files.
const PAUSE: usize = 200;

/// Measures from the sending of the command to the coming of the frame: the command's own time
/// is in it.
pub(super) async fn measure(setup: &Setup, rounds: usize, findings: &mut Findings) -> Result<()> {
    eprintln!("measuring how changes of files are told");
    let times = with_runner(setup.clone(), async |runner, api| {
        let session = session(0);
        api.launch(&session).await?;
        let mut socket = Socket::open(runner.front_door, &session, 64 * 1024).await?;
        until_watched(api, &session, &mut socket).await?;
        let mut times = Vec::new();
        for number in 0..rounds {
            // Windows of watching have lengths of their own: they are met at every point.
            let pause = u64::try_from(number * 37 % PAUSE)?;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let name = format!("made-{number}.txt");
            times.push(make(api, &session, &mut socket, &name, PATIENCE).await?);
        }
        Ok(Times::new(times))
    })
    .await
    .context("changes of files")?;
    let promise = at_most("p95", CHANGE, "", times.at(95));
    findings.push("a file made by a command, to a socket", &times, promise);
    Ok(())
}

/// A new workspace is watched a moment after it is there.
async fn until_watched(api: &mut Api, session: &str, socket: &mut Socket) -> Result<()> {
    for number in 0..TRIES {
        let name = format!("first-{number}.txt");
        let made = make(api, session, socket, &name, PATIENCE / 5).await;
        if made.is_ok() || number + 1 == TRIES {
            return made.map(drop);
        }
    }
    bail!("no file was made")
}

async fn make(
    api: &mut Api,
    session: &str,
    socket: &mut Socket,
    name: &str,
    patience: Duration,
) -> Result<Duration> {
    let script = format!(": > {name}");
    let begun = Instant::now();
    let command = ["sh", "-c", &script];
    let told = async {
        let told = tokio::time::timeout(patience, told_of(socket, name)).await;
        told.with_context(|| format!("nothing was told of {name} in {patience:?}"))??;
        Ok(begun.elapsed())
    };
    let (_, time) = tokio::try_join!(api.exec(session, &command), told)?;
    Ok(time)
}

/// Reads until the frame is there that names the file.
async fn told_of(socket: &mut Socket, name: &str) -> Result<()> {
    let mut told = false;
    while !told {
        socket
            .texts(|text| {
                let text = String::from_utf8_lossy(text);
                told |= text.contains("file_change") && text.contains(name);
            })
            .await?;
    }
    Ok(())
}
