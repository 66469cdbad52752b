//! What a backend is: it makes, finds and ends sandboxes. All else is the same for both.
//!
//! Process 1 of every sandbox is our own `sandbox-init`, in both backends. It listens on a
//! socket in the sandbox's control folder; commands, relayed connections and their ends go
//! through it (see `sandbox-init`'s protocol). So a backend has no `exec` of its own.

use crate::projects::Project;
use std::{fmt, future::Future, path::PathBuf, pin::Pin};
use uuid::Uuid;

/// A boxed future, so that backends can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A sandbox's own id: not the session's, because one from the pool exists before its session.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SandboxId(pub Uuid);

impl fmt::Display for SandboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// What a sandbox shall be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: SandboxId,
    /// Its folder on the host: `workspace/`, which the sandbox sees as `/workspace`, and
    /// `control/`, where its init's socket is. Both exist and belong to `user`.
    pub folder: PathBuf,
    /// Whom its processes are on the host, uid and gid: never root.
    pub user: (u32, u32),
    /// Whether it has the network.
    pub network: bool,
    /// The folder of the host that it sees as `/workspace` instead, if there is one.
    pub project: Option<Project>,
    /// Whether it may change nothing in `/workspace`.
    pub read_only: bool,
    /// What it may use.
    pub limits: Limits,
}

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all its processes, in bytes.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Processors, in thousandths.
    pub cpu_millis: u64,
    /// The size of a file that a command writes, in bytes.
    pub file_size: u64,
    /// The size of its temporary folders, in bytes.
    pub tmpfs: u64,
}

/// A sandbox that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The socket of its init, on the host.
    pub socket: PathBuf,
    /// Its init's process id on the host: who must be on the other side of the socket.
    pub init: u32,
}

/// Makes, finds and ends sandboxes.
pub trait Backend: Send + Sync + fmt::Debug {
    /// `docker` or `namespace`.
    fn name(&self) -> &'static str;

    /// Whether the kernel keeps all processes of a sandbox together within [`Limits::memory`].
    /// Where it does not, they are watched.
    fn bounds_memory(&self) -> bool {
        false
    }

    /// Makes the sandbox. When it resolves, its init listens.
    fn start<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Running, BackendError>>;

    /// The sandbox of that plan, if an earlier runner started it and it still runs.
    fn adopt<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Option<Running>, BackendError>>;

    /// Ends the sandbox with all its processes; when it resolves they are gone. One that is not
    /// there is no error.
    fn stop(&self, id: SandboxId) -> BoxFuture<'_, Result<(), BackendError>>;

    /// All sandboxes of this runner's state folder that run, also those that it knows nothing of.
    fn running(&self) -> BoxFuture<'_, Result<Vec<SandboxId>, BackendError>>;
}

/// Why a backend could not do it.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// It is not to be had on this machine. The text says why and what would help.
    #[error("{0}")]
    Unavailable(String),
    /// It failed.
    #[error("{doing}")]
    Failed {
        /// What it was doing.
        doing: String,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
