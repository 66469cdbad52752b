//! The flags about sandboxes.

use anyhow::{Context as _, bail};
use clap::Args;
use sandbox::registry::Choice;
use sandbox_runner::sandboxes::Settings;
use std::{path::PathBuf, time::Duration};

const MEBIBYTE: u64 = 1024 * 1024;

/// Sandboxes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sandboxes")]
pub(crate) struct SandboxFlags {
    /// What sandboxes are made of: docker, namespace, or auto, which takes Docker where an engine
    /// answers and Linux namespaces elsewhere. Without either no command runs.
    #[arg(
        long,
        env = "RUNNER_SANDBOX",
        default_value = "auto",
        value_name = "BACKEND"
    )]
    sandbox: Choice,

    /// The image of containers. The default one is built when it is missing.
    #[arg(
        long,
        env = "RUNNER_IMAGE",
        default_value = "atelier-sandbox:latest",
        value_name = "IMAGE"
    )]
    image: String,

    /// The container engine: unix:///PATH or tcp://HOST:PORT [default: DOCKER_HOST, else where
    /// engines usually listen]
    #[arg(long, env = "RUNNER_DOCKER_HOST", value_name = "ADDRESS")]
    docker_host: Option<String>,

    /// Process 1 of sandboxes [default: the file sandbox-init beside this program]
    #[arg(long, env = "RUNNER_SANDBOX_INIT", value_name = "FILE")]
    sandbox_init: Option<PathBuf>,

    /// Whom the processes of sandboxes are on this machine when the runner is root: UID:GID. Never
    /// root.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_USER",
        default_value = "65532:65532",
        value_name = "IDS"
    )]
    sandbox_user: String,

    /// Lets sandboxes that ask for it have the network.
    #[arg(long, env = "RUNNER_SANDBOX_NETWORK")]
    sandbox_network: bool,

    /// Folders of this machine below which coding sessions may work, separated by commas. What is
    /// in them their users may read and change.
    #[arg(
        long,
        env = "RUNNER_PROJECT_ROOTS",
        value_delimiter = ',',
        value_name = "FOLDERS"
    )]
    project_roots: Vec<String>,

    /// How many sandboxes are kept ready, so that launching is instant; 0 for none.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_POOL",
        default_value_t = 1,
        value_name = "NUMBER"
    )]
    sandbox_pool: usize,

    /// How many sandboxes one user may have.
    #[arg(
        long,
        env = "RUNNER_SANDBOXES_PER_USER",
        default_value_t = 10,
        value_name = "NUMBER"
    )]
    sandboxes_per_user: usize,

    /// How many sandboxes there may be in all.
    #[arg(
        long,
        env = "RUNNER_SANDBOXES",
        default_value_t = 100,
        value_name = "NUMBER"
    )]
    sandboxes: usize,

    /// Hours after its last use when a sandbox is destroyed with its files.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_TTL",
        default_value_t = 24,
        value_name = "HOURS"
    )]
    sandbox_ttl: u64,

    /// Minutes without use when a sandbox is stopped; its files are kept, and the next command
    /// starts it again.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_IDLE",
        default_value_t = 30,
        value_name = "MINUTES"
    )]
    sandbox_idle: u64,

    /// Memory of each sandbox, in MiB.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_MEMORY",
        default_value_t = 1024,
        value_name = "MIB"
    )]
    sandbox_memory: u64,

    /// Processes and threads of each sandbox.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_PROCESSES",
        default_value_t = 256,
        value_name = "NUMBER"
    )]
    sandbox_processes: u64,

    /// Processors of each sandbox.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_CPUS",
        default_value_t = 1.0,
        value_name = "NUMBER"
    )]
    sandbox_cpus: f64,

    /// What each sandbox may keep on the disk, in MiB.
    #[arg(
        long,
        env = "RUNNER_SANDBOX_DISK",
        default_value_t = 2048,
        value_name = "MIB"
    )]
    sandbox_disk: u64,

    /// How many commands one user may wait for at a time.
    #[arg(
        long,
        env = "RUNNER_EXECS_PER_USER",
        default_value_t = 16,
        value_name = "NUMBER"
    )]
    execs_per_user: usize,

    /// Seconds that a command may run unless the request says otherwise.
    #[arg(
        long,
        env = "RUNNER_EXEC_TIMEOUT",
        default_value_t = 120,
        value_name = "SECONDS"
    )]
    exec_timeout: u64,

    /// Seconds that a request may say at most.
    #[arg(
        long,
        env = "RUNNER_EXEC_MOST",
        default_value_t = 600,
        value_name = "SECONDS"
    )]
    exec_most: u64,
}

impl SandboxFlags {
    pub(super) fn into_settings(self) -> anyhow::Result<Settings> {
        if !(0.01..=1024.0).contains(&self.sandbox_cpus) {
            bail!("RUNNER_SANDBOX_CPUS must be a number from 0.01 to 1024");
        }
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Settings {
            backend: self.sandbox,
            image: self.image,
            engine: given(self.docker_host),
            init: self.sandbox_init,
            user: user(&self.sandbox_user)?,
            network: self.sandbox_network,
            project_roots: named(self.project_roots),
            pool: self.sandbox_pool,
            per_user: self.sandboxes_per_user,
            total: self.sandboxes,
            ttl: Duration::from_secs(self.sandbox_ttl.saturating_mul(3600)),
            idle: Duration::from_secs(self.sandbox_idle.saturating_mul(60)),
            memory: self.sandbox_memory.saturating_mul(MEBIBYTE),
            processes: self.sandbox_processes,
            cpu_millis: (self.sandbox_cpus * 1000.0).round() as u64,
            disk: self.sandbox_disk.saturating_mul(MEBIBYTE),
            execs_per_user: self.execs_per_user,
            exec_timeout: Duration::from_secs(self.exec_timeout),
            exec_most: Duration::from_secs(self.exec_most),
        })
    }
}

/// A variable that is set to nothing names none.
fn named(roots: Vec<String>) -> Vec<PathBuf> {
    let named = roots.into_iter().filter(|root| !root.is_empty());
    named.map(PathBuf::from).collect()
}

fn user(text: &str) -> anyhow::Result<(u32, u32)> {
    let parsed = text
        .split_once(':')
        .and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
    match parsed.context("RUNNER_SANDBOX_USER must be UID:GID, two numbers")? {
        (0, _) | (_, 0) => bail!("RUNNER_SANDBOX_USER must not be root"),
        user => Ok(user),
    }
}
