//! `cargo xtask up`: the whole stack on this machine, until Ctrl-C.
//!
//! The front door of `sandbox-runner` is what people connect to; the edge (`edge-host` with
//! the components) and the offline model listen on free loopback ports behind it.

mod child;
mod port;
mod probe;
mod stack;
mod state;
mod supervisor;
mod welcome;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::build::{self, Profile};
use crate::manifest::Manifest;
use crate::secrets::Secrets;
use crate::workspace::Workspace;
use stack::{Parts, Stack};
use state::State;
use supervisor::{StopRequests, Supervisor};

pub use probe::{healthy, status};

/// What `up` is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the front door listens, on the loopback.
    pub port: u16,
    /// Where databases, secrets, logs and mail are kept.
    pub state: PathBuf,
    /// The fast build in place of the development one.
    pub release: bool,
}

/// Builds and starts the stack, and keeps it running until it is told to stop.
///
/// # Errors
/// When something is missing, in use or broken, or a process cannot be kept running.
pub fn up(workspace: &Workspace, manifest: &Manifest, options: &Options) -> Result<()> {
    // What can be refused is refused before the build, which takes minutes at first.
    let folder = workspace.root.join(&options.state);
    let state = State::open(&folder)?;
    let secrets = Secrets::keep(&state.path)?;
    port::check(options.port)?;
    let built = build::build(workspace, manifest, Profile::of(options.release))?;
    stack::check_binaries(&built.binaries)?;

    // From here on a signal stops the stack in order; before, it just ends the build.
    let requests = StopRequests::listen()?;
    let parts = Parts {
        root: &workspace.root,
        manifest,
        binaries: &built.binaries,
        init: &built.init,
        state: &state,
        secrets: &secrets,
        port: options.port,
    };
    let mut stack = Stack::describe(&parts)?;
    let processes = std::mem::take(&mut stack.processes);
    eprintln!("Starting the stack");
    let started = Supervisor::start(processes, &state, requests.clone());
    if started.is_err() && requests.stop() {
        eprintln!("Stopped while starting.");
        return Ok(());
    }
    let mut supervisor = started?;
    healthy(stack.front_door).context("the stack started and does not answer")?;
    println!("{}", welcome::text(&stack, &state, options.release));

    let watched = supervisor.watch();
    eprintln!("\nStopping");
    supervisor.stop();
    watched?;
    eprintln!("Stopped. The state is in {}", state.path.display());
    Ok(())
}
