//! The `edge-host` binary: serves one application until it is told to stop.

use anyhow::Context;
use clap::Parser;
use edge_host::{Config, Host};
use std::{collections::BTreeMap, io::Write, path::PathBuf, process::ExitCode, time::Duration};
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

/// A request allocates some hundred times, on the host's side of the components' boundary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MEBIBYTE: u64 = 1024 * 1024;

/// Serves a spin.toml with embedded wasmtime.
///
/// The application's variables are taken from the environment: SPIN_VARIABLE_NAME sets the
/// variable `name`. RUST_LOG says what is logged to standard error (`access=off` leaves the
/// access log out).
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The application's manifest.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    manifest: PathBuf,
    /// The address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: String,
    /// The folder for databases and compiled components; made if it is missing.
    #[arg(long, value_name = "FOLDER", default_value = ".atelier/edge")]
    state: PathBuf,
    /// Requests in flight beyond which the answer is 503, those below /internal/ not counted.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    max_in_flight: usize,
    /// Requests in flight below /internal/ beyond which the answer is 503.
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_internal_in_flight: usize,
    /// Connections open at once; more wait to be accepted.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    max_connections: usize,
    /// Megabytes (MiB) of a request's body beyond which the answer is 413.
    #[arg(long, value_name = "MIB", default_value_t = 32)]
    max_body: u32,
    /// Megabytes (MiB) of memory that one instance of a component may use.
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    memory: u16,
    /// Seconds that a guest may compute without coming to rest before it is stopped.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    max_computation: u32,
    /// Seconds that a shutdown waits for what is in flight.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    drain: u32,
    /// Stops when standard input ends, so that this process does not outlive its parent.
    #[arg(long)]
    stop_on_stdin_eof: bool,
}

impl Arguments {
    fn config(self) -> Config {
        Config {
            listen: self.listen,
            variables: variables(),
            max_in_flight: self.max_in_flight,
            max_internal_in_flight: self.max_internal_in_flight,
            max_connections: self.max_connections,
            max_body: u64::from(self.max_body) * MEBIBYTE,
            memory: usize::from(self.memory) * 1024 * 1024,
            longest_computation: Duration::from_secs(self.max_computation.into()),
            drain: Duration::from_secs(self.drain.into()),
            ..Config::new(self.manifest, self.state)
        }
    }
}

fn variables() -> BTreeMap<String, String> {
    let environment = std::env::vars_os();
    environment
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix("SPIN_VARIABLE_")?;
            Some((name.to_lowercase(), value.into_string().ok()?))
        })
        .collect()
}

fn main() -> ExitCode {
    let _logging = logging::start();
    match serve(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(run(arguments));
    // A thread may still wait for standard input; nothing is left to be waited for.
    runtime.shutdown_background();
    result
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stop_on_stdin_eof = arguments.stop_on_stdin_eof;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let host = Host::start(arguments.config()).await?;
    writeln!(std::io::stdout(), "listening on http://{}", host.address())
        .context("cannot say that it listens")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ends(), if stop_on_stdin_eof => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = host.shutdown() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn stdin_ends() {
    let mut input = tokio::io::stdin();
    let mut bytes = [0; 1024];
    while matches!(input.read(&mut bytes).await, Ok(1..)) {}
}
