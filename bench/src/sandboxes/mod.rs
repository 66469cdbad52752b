//! Sandboxes: made, used, read and watched, each beside what does it without us.

mod changes;
mod commands;
mod disk;
mod docker;
mod launching;
mod peer;
mod tree;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::load::percentile;
use crate::report::{table, verdict};
use crate::runner::{Api, Backend, Runner, Setup, session};

/// How often each thing is done.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    launches: usize,
    commands: usize,
    trees: usize,
    changes: usize,
}

/// What a run found: its rows, and what it left out.
#[derive(Debug, Default)]
struct Findings {
    rows: Vec<Vec<String>>,
    left_out: Vec<String>,
}

/// Times of one thing, sorted.
#[derive(Debug)]
struct Times(Vec<Duration>);

/// Measures all of it and returns the table.
pub(crate) async fn measure(binaries: &Path, quick: bool) -> Result<String> {
    let rounds = Rounds::of(quick);
    let mut findings = Findings::default();
    let mut backends = vec![Backend::Namespace];
    match docker::find().await {
        Ok(engine) => backends.push(engine),
        Err(reason) => findings.leave_out("Docker", &reason),
    }
    let mut usable = None;
    for backend in backends {
        let setup = Setup::new(binaries, &backend);
        if let Err(reason) = try_out(setup.clone()).await {
            findings.leave_out(backend.name(), &reason);
            continue;
        }
        launching::measure(&setup, &backend, rounds.launches, &mut findings).await?;
        commands::measure(&setup, &backend, rounds.commands, &mut findings).await?;
        usable.get_or_insert(setup);
    }
    let Some(setup) = usable else {
        bail!(
            "there are no sandboxes here: {}",
            findings.left_out.join("; ")
        );
    };
    tree::measure(&setup, rounds.trees, &mut findings).await?;
    changes::measure(&setup, rounds.changes, &mut findings).await?;
    Ok(findings.table())
}

/// Whether there are sandboxes of this kind, or why not.
async fn try_out(setup: Setup) -> Result<()> {
    let runner = Runner::start(setup).await?;
    let mut api = Api::open(&runner).await?;
    let tried = async {
        api.launch(&session(0)).await?;
        api.exec(&session(0), &["true"]).await
    };
    let tried = tried.await;
    let ended = runner.end().await;
    // Where there are none, none can be destroyed: why there are none says more.
    tried?;
    ended
}

/// Has `work` done with a runner, which is ended with its sandboxes whatever came of it.
async fn with_runner<T>(
    setup: Setup,
    work: impl AsyncFnOnce(&Runner, &mut Api) -> Result<T>,
) -> Result<T> {
    let runner = Runner::start(setup).await?;
    let mut api = Api::open(&runner).await?;
    let done = work(&runner, &mut api).await;
    let ended = runner.end().await.context("ending a runner");
    let done = done?;
    ended.map(|()| done)
}

impl Rounds {
    fn of(quick: bool) -> Self {
        match quick {
            true => Self {
                launches: 20,
                commands: 100,
                trees: 20,
                changes: 30,
            },
            false => Self {
                launches: 200,
                commands: 1000,
                trees: 100,
                changes: 200,
            },
        }
    }
}

impl Findings {
    /// Adds a row and says it at once. `promise` is empty, or from [`at_most`].
    fn push(&mut self, name: &str, times: &Times, promise: String) {
        let mut row = vec![name.to_owned(), times.0.len().to_string()];
        row.extend([50, 95, 99].map(|percent| format!("{:.2}", times.at(percent))));
        row.push(promise);
        eprintln!("  {}", row.join("  "));
        self.rows.push(row);
    }

    fn leave_out(&mut self, what: &str, reason: &anyhow::Error) {
        let line = format!("left out: {what}: {reason:#}");
        eprintln!("  {line}");
        self.left_out.push(line);
    }

    fn table(&self) -> String {
        let head = [
            "sandboxes",
            "times",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "promise",
        ];
        let mut text = table(&head, &self.rows);
        for line in &self.left_out {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

impl Times {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// A percentile in milliseconds.
    fn at(&self, percent: usize) -> f64 {
        percentile(&self.0, percent)
    }
}

/// A promise in milliseconds, and whether it is kept. `why` says where the limit comes from.
fn at_most(figure: &str, limit: f64, why: &str, found: f64) -> String {
    format!(
        "{figure} <= {limit:.1} ms{why}: {}",
        verdict(found <= limit)
    )
}
