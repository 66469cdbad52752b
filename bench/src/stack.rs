//! The release stack: the paced model, the edge, the runner, in a state folder of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::client;
use crate::server::{Server, Starting, pause};

/// Tokens in an answer of the model, unless a part wants another number.
pub(crate) const TOKENS: u32 = 50;

/// Milliseconds between two tokens.
pub(crate) const INTERVAL_MS: u32 = 20;

/// The address of an account that is there.
pub(crate) const ADMINISTRATOR: &str = "admin@example.org";

/// Its password.
pub(crate) const PASSWORD: &str = "0123456789abcdef0123456789abcdef";

/// A running stack.
pub(crate) struct Stack {
    // In the order in which they are ended.
    _runner: Server,
    _edge: Server,
    _model: Server,
    _state: Option<TempDir>,
    /// The edge's own port.
    pub(crate) edge: SocketAddr,
    /// The runner's front door.
    pub(crate) front_door: SocketAddr,
    /// The model, asked directly.
    pub(crate) model: SocketAddr,
}

impl Stack {
    /// Starts a stack with a fresh state and waits until it answers.
    pub(crate) async fn start(binaries: &Path) -> Result<Self> {
        Self::answering(binaries, TOKENS).await
    }

    /// The same with a model whose answers have so many tokens.
    pub(crate) async fn answering(binaries: &Path, tokens: u32) -> Result<Self> {
        let state = tempfile::tempdir()?;
        let mut stack = Self::launch(binaries, state.path(), tokens)?;
        stack._state = Some(state);
        stack.wait_for_users().await?;
        Ok(stack)
    }

    fn launch(binaries: &Path, state: &Path, tokens: u32) -> Result<Self> {
        let [edge, front, admin, model] = free_ports()?;
        let token = "0123456789abcdef0123456789abcdef";
        let program = |name: &str| {
            let mut command = Command::new(binaries.join(name));
            // The access log goes where an operator would send it: away from the terminal.
            command.arg("--stop-on-stdin-eof").stderr(Stdio::null());
            command
        };
        let model = Starting::spawn(program("model-stub").args([
            "--listen",
            &model.to_string(),
            "--tokens",
            &tokens.to_string(),
            "--interval-ms",
            &INTERVAL_MS.to_string(),
            "--stamp",
        ]))?
        .ready()?;
        let edge = Starting::spawn(
            program("edge-host")
                .args([
                    "--manifest",
                    "spin.toml",
                    "--listen",
                    &edge.to_string(),
                    "--state",
                ])
                .arg(state)
                .env("SPIN_VARIABLE_RUNNER_TOKEN", token)
                .env(
                    "SPIN_VARIABLE_JWT_SECRET",
                    format!("secret-of-32-bytes-{token}"),
                )
                .env("SPIN_VARIABLE_ADMIN_USERNAME", "admin")
                .env("SPIN_VARIABLE_ADMIN_EMAIL", ADMINISTRATOR)
                .env("SPIN_VARIABLE_ADMIN_PASSWORD", PASSWORD)
                .env("SPIN_VARIABLE_LIMIT_PASSWORDS_ACCOUNT", "1000000")
                .env("SPIN_VARIABLE_LIMIT_PASSWORDS_ADDRESS", "1000000")
                .env("SPIN_VARIABLE_RUNNER_URL", format!("http://{admin}"))
                .env("SPIN_VARIABLE_PUBLIC_URL", format!("http://{front}"))
                .env("SPIN_VARIABLE_OPEN_CHAT", "true")
                // The model would be asked for them beside what is measured.
                .env("SPIN_VARIABLE_SESSION_TITLES", "false")
                .env(
                    "SPIN_VARIABLE_LLM_BASE_URL",
                    format!("http://{}/v1", model.address),
                )
                .env("SPIN_VARIABLE_LLM_MODEL", "paced")
                .env("SPIN_VARIABLE_OUTBOUND_ALLOW", "127.0.0.1:*"),
        )?
        .ready()?;
        let runner = Starting::spawn(
            program("sandbox-runner")
                .env("RUNNER_LISTEN", front.to_string())
                .env("RUNNER_ADMIN_LISTEN", admin.to_string())
                .env("RUNNER_PREVIEW_LISTEN", "127.0.0.1:0")
                .env("RUNNER_EDGE_URL", format!("http://{}", edge.address))
                .env("RUNNER_TOKEN", token)
                .env("RUNNER_STATE", state.join("runner"))
                .env("RUNNER_PREVIEW_LISTEN", "127.0.0.1:0")
                // The load comes from one address.
                .env("RUNNER_RATE_LIMIT", "0")
                // One that is kept ready would outlive this stack.
                .env("RUNNER_SANDBOX_POOL", "0"),
        )?
        .ready()?;
        Ok(Self {
            edge: edge.address,
            front_door: runner.address,
            model: model.address,
            _runner: runner,
            _edge: edge,
            _model: model,
            _state: None,
        })
    }

    /// Waits until the tables are there: the runner has them made.
    async fn wait_for_users(&self) -> Result<()> {
        let started = Instant::now();
        let mut last = String::new();
        while started.elapsed() < Duration::from_secs(20) {
            match client::get(self.edge, "/api/v1/users/nobody").await {
                Ok(404) => return Ok(()),
                Ok(status) => last = status.to_string(),
                Err(error) => last = format!("{error:#}"),
            }
            pause();
        }
        bail!("the edge does not find its tables: {last}")
    }
}

/// From the start of the processes to the first answer through the front door; the median of
/// five. The components were compiled by an earlier start with the same state.
pub(crate) async fn first_request(binaries: &Path) -> Result<Duration> {
    let state = tempfile::tempdir()?;
    let stack = Stack::launch(binaries, state.path(), TOKENS)?;
    stack.wait_for_users().await?;
    drop(stack);
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let stack = Stack::launch(binaries, state.path(), TOKENS)?;
        let status = client::get(stack.front_door, "/api/v1/health").await?;
        if status != 200 {
            bail!("the front door answers {status}");
        }
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .copied()
        .context("no start was measured")
}

/// Addresses on the loopback that nobody listens on just now.
fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut held = Vec::new();
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}
