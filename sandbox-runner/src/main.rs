//! The `sandbox-runner` binary: reads its settings, runs until it is told to stop.

mod cli;

use anyhow::Context as _;
use clap::Parser as _;
use sandbox_runner::Runner;
use std::{
    io::{Read as _, Write as _},
    process::ExitCode,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// An event of a run is read, numbered and written anew for its readers: many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let _logging = logging::start();
    match run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox-runner: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<()> {
    let stop_on_stdin_eof = cli.stop_on_stdin_eof;
    let config = cli.into_config()?;
    if !config.admin_listen.ip().is_loopback() {
        tracing::warn!(
            address = %config.admin_listen,
            "the admin interface listens beyond this machine: keep it from strangers"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stopped = told_to_stop(stop_on_stdin_eof)?;
        let runner = Runner::start(config).await?;
        // In one piece: whoever reads only the first line may close it then.
        let listening = format!(
            "listening on http://{} (front door)\nlistening on http://{} (admin)\n\
             listening on http://{} (previews)\n",
            runner.front_door_addr(),
            runner.admin_addr(),
            runner.preview_addr()
        );
        std::io::stdout()
            .write_all(listening.as_bytes())
            .context("cannot say that it listens")?;
        // Awaited apart: what a disabled log line names is not even evaluated.
        let reason = stopped.await;
        tracing::info!(reason, "stopping");
        if !runner.shutdown().await {
            tracing::warn!("what was still under way was cut off");
        }
        Ok(())
    })
}

/// Resolves with the reason when the process is asked to stop. The handlers are in place when
/// this returns.
fn told_to_stop(on_stdin_eof: bool) -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let (closed, stdin_closed) = oneshot::channel();
    if on_stdin_eof {
        // A thread of its own: nothing else ends a blocking read when the runtime stops.
        std::thread::spawn(move || {
            let mut unread = [0; 256];
            let mut stdin = std::io::stdin().lock();
            while matches!(stdin.read(&mut unread), Ok(read) if read > 0) {}
            let _ = closed.send(());
        });
    }
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = stdin_closed, if on_stdin_eof => "standard input closed",
        }
    })
}
