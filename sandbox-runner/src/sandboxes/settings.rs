//! How the sandboxes of a runner are.

pub use sandbox::registry::Choice;
use std::{path::PathBuf, time::Duration};

/// How the sandboxes of a runner are. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which backend makes them.
    pub backend: Choice,
    /// The image of containers.
    pub image: String,
    /// The address of the container engine; nothing for where engines usually are.
    pub engine: Option<String>,
    /// Process 1 of sandboxes; nothing for the file `sandbox-init` beside the runner's own.
    pub init: Option<PathBuf>,
    /// Whom sandboxes' processes are on the host when the runner is root, uid and gid.
    pub user: (u32, u32),
    /// Whether one that asks for it gets the network.
    pub network: bool,
    /// Below which folders of this host a sandbox may have its workspace.
    pub project_roots: Vec<PathBuf>,
    /// How many are kept ready.
    pub pool: usize,
    /// How many a user may have.
    pub per_user: usize,
    /// How many there may be in all.
    pub total: usize,
    /// How long one is kept after it was used last.
    pub ttl: Duration,
    /// How long one runs on without use.
    pub idle: Duration,
    /// Memory of each.
    pub memory: u64,
    /// Processes of each.
    pub processes: u64,
    /// Processors of each, in thousandths.
    pub cpu_millis: u64,
    /// What each may keep on the disk.
    pub disk: u64,
    /// How many commands a user may wait for at a time.
    pub execs_per_user: usize,
    /// How long a command may run unless it is said.
    pub exec_timeout: Duration,
    /// How long a command may run that somebody waits for.
    pub exec_most: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            backend: Choice::Auto,
            image: "atelier-sandbox:latest".to_owned(),
            engine: None,
            init: None,
            user: (65_532, 65_532),
            network: false,
            project_roots: Vec::new(),
            pool: 1,
            per_user: 10,
            total: 100,
            ttl: Duration::from_secs(24 * 3600),
            idle: Duration::from_secs(30 * 60),
            memory: 1 << 30,
            processes: 256,
            cpu_millis: 1000,
            disk: 2 << 30,
            execs_per_user: 16,
            exec_timeout: Duration::from_secs(120),
            exec_most: Duration::from_secs(600),
        }
    }
}
