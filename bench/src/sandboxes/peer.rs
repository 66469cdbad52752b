//! A program that does the like, timed from its start to its end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// A command line.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    words: Vec<String>,
    /// The container engine that it talks to, if it does.
    host: Option<String>,
}

impl Peer {
    /// The words of a command line.
    pub(super) fn new(words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            host: None,
        }
    }

    /// The client of the engine that listens there.
    pub(super) fn of_engine(host: &str, words: &[&str]) -> Self {
        let mut peer = Self::new(&["docker"]);
        peer.words
            .extend(words.iter().map(|word| (*word).to_owned()));
        peer.host = Some(host.to_owned());
        peer
    }

    /// The first of these that runs here.
    ///
    /// # Errors
    /// None does; why the last does not.
    pub(super) async fn first(peers: &[Self]) -> Result<Self> {
        let mut last = None;
        for peer in peers {
            match peer.run().await {
                Ok(_) => return Ok(peer.clone()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no command line to try")?)
    }

    /// As one would type it.
    pub(super) fn name(&self) -> String {
        self.words.join(" ")
    }

    /// Runs it; what it wrote to standard output.
    ///
    /// # Errors
    /// It is missing, or ends with another status than 0.
    pub(super) async fn run(&self) -> Result<String> {
        let (program, arguments) = self.words.split_first().context("no command line")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        let output = command.output().await.with_context(|| self.name())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {} ({})", self.name(), said.trim(), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// How long it takes.
    pub(super) async fn time(&self) -> Result<Duration> {
        let begun = Instant::now();
        self.run().await?;
        Ok(begun.elapsed())
    }
}
