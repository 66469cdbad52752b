//! `cargo xtask bench`: builds what is measured and hands over to `atelier-bench`.

use anyhow::Result;
use clap::ValueEnum;

use crate::build::{self, Profile};
use crate::manifest::Manifest;
use crate::process::run;
use crate::workspace::Workspace;

/// A part of the bench. `atelier-bench` knows the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Requests to the edge, beside its peers
    Requests,
    /// The open chat, beside its model
    Chat,
    /// Runs, from the model to the socket, beside the model
    Runs,
    /// What hashing passwords does to everybody else
    Logins,
    /// Sandboxes, their commands and their files
    Sandboxes,
    /// Rooms: fan-out, and memory of sockets
    Rooms,
}

/// What is measured, and how long.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Short runs.
    pub quick: bool,
    /// These parts alone; all of them if none is named.
    pub only: Vec<Part>,
}

impl Part {
    /// Whether the edge takes part: its components and its host take the longest to build.
    fn needs_edge(self) -> bool {
        matches!(
            self,
            Self::Requests | Self::Chat | Self::Runs | Self::Logins
        )
    }
}

/// Builds the release stack, or as much of it as the parts need, and the load generator, and runs
/// it.
///
/// The generator is a package of its own, so that the other commands need not wait for an
/// HTTP client to compile.
///
/// # Errors
/// When a build fails or the bench does.
pub fn bench(workspace: &Workspace, manifest: &Manifest, options: &Options) -> Result<()> {
    let all = options.only.is_empty();
    let (binaries, init) = if all || options.only.iter().any(|part| part.needs_edge()) {
        let built = build::build(workspace, manifest, Profile::Native)?;
        (built.binaries, Some(built.init))
    } else {
        let binaries = build::native(workspace, Profile::Native, &["sandbox-runner"])?;
        let sandboxes = options.only.contains(&Part::Sandboxes);
        let init = sandboxes.then(|| build::init(workspace)).transpose()?;
        (binaries, init)
    };
    run(workspace
        .cargo()
        .args(["build", "--profile", "native", "-p", "bench"]))?;
    let mut bench = std::process::Command::new(binaries.join("atelier-bench"));
    bench
        .current_dir(&workspace.root)
        .arg("--binaries")
        .arg(&binaries);
    if let Some(init) = &init {
        bench.env("RUNNER_SANDBOX_INIT", init);
    }
    bench.arg("--venv").arg(workspace.target.join("bench-venv"));
    if options.quick {
        bench.arg("--quick");
    }
    for part in &options.only {
        let name = part.to_possible_value();
        bench
            .arg("--only")
            .args(name.map(|name| name.get_name().to_owned()));
    }
    run(&mut bench)
}
