//! A runner alone: its edge is played here, so that nothing else takes part in what is measured.
//!
//! Invariant: a runner that was ended with [`Runner::end`] leaves no sandbox behind.

mod api;
mod edge;
mod frame;
mod process;
mod socket;

pub(crate) use api::{Api, request, session};
pub(crate) use process::allow_descriptors;
pub(crate) use socket::Socket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::server::{Server, Starting};
use edge::Edge;

/// The secret that the played edge and the runner share.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What sandboxes are made of.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// Namespaces of the kernel.
    Namespace,
    /// Containers.
    Docker {
        /// Where the engine listens: `unix:///PATH`.
        host: String,
        /// What containers are made from.
        image: String,
    },
}

/// How a runner is started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    binaries: PathBuf,
    backend: Backend,
    /// How many sandboxes are kept ready.
    pool: usize,
}

/// A running runner and the edge that it asks.
pub(crate) struct Runner {
    // In the order in which they are ended.
    server: Server,
    _edge: Edge,
    state: TempDir,
    setup: Setup,
    /// Where sockets are opened.
    pub(crate) front_door: SocketAddr,
    /// The runner's own interface.
    pub(crate) admin: SocketAddr,
}

impl Backend {
    /// As a row names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Docker { .. } => "Docker",
        }
    }
}

impl Setup {
    /// A runner from this folder, with sandboxes of this kind and none kept ready.
    pub(crate) fn new(binaries: &Path, backend: &Backend) -> Self {
        Self {
            binaries: binaries.to_owned(),
            backend: backend.clone(),
            pool: 0,
        }
    }

    /// The same with so many sandboxes kept ready.
    pub(crate) fn with_pool(self, pool: usize) -> Self {
        Self { pool, ..self }
    }

    fn command(&self, edge: SocketAddr, state: &Path) -> Command {
        let mut command = Command::new(self.binaries.join("sandbox-runner"));
        let free = "127.0.0.1:0";
        command
            .arg("--stop-on-stdin-eof")
            // The log goes where an operator would send it: away from the terminal.
            .stderr(Stdio::null())
            .env("RUNNER_LISTEN", free)
            .env("RUNNER_ADMIN_LISTEN", free)
            .env("RUNNER_PREVIEW_LISTEN", free)
            .env("RUNNER_EDGE_URL", format!("http://{edge}"))
            .env("RUNNER_TOKEN", TOKEN)
            .env("RUNNER_STATE", state)
            // The load comes from one address.
            .env("RUNNER_RATE_LIMIT", "0")
            .env("RUNNER_SANDBOX_POOL", self.pool.to_string());
        match &self.backend {
            Backend::Namespace => command.env("RUNNER_SANDBOX", "namespace"),
            Backend::Docker { host, image } => command
                .env("RUNNER_SANDBOX", "docker")
                .env("RUNNER_DOCKER_HOST", host)
                .env("RUNNER_IMAGE", image),
        };
        command
    }
}

impl Runner {
    /// Starts a runner with a fresh state.
    pub(crate) async fn start(setup: Setup) -> Result<Self> {
        let edge = Edge::start().await.context("the played edge")?;
        let state = tempfile::tempdir()?;
        let started = Starting::spawn(&mut setup.command(edge.address, state.path()))?;
        let (server, [front_door, admin]) = started.ready_at().context("the runner")?;
        Ok(Self {
            server,
            _edge: edge,
            state,
            setup,
            front_door,
            admin,
        })
    }

    /// Its folder.
    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    /// Its resident memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        process::memory(self.server.id())
    }

    /// The processor time that it has used, in seconds.
    pub(crate) fn processor_time(&self) -> Result<f64> {
        process::processor_time(self.server.id())
    }

    /// Ends it with all its sandboxes. Those of sessions are destroyed; those kept ready outlive
    /// a runner, and the next one that wants none ends them.
    pub(crate) async fn end(self) -> Result<()> {
        let destroyed = self.destroy_all().await.context("destroying the sandboxes");
        let Self {
            server,
            _edge: edge,
            state,
            setup,
            ..
        } = self;
        drop(server);
        if setup.pool > 0 {
            let mut last = setup.with_pool(0).command(edge.address, state.path());
            let ended = Starting::spawn(&mut last)?.ready();
            drop(ended.context("ending the sandboxes that were kept ready")?);
        }
        destroyed
    }

    async fn destroy_all(&self) -> Result<()> {
        Api::open(self).await?.destroy_all().await
    }
}
