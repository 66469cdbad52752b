//! What both binaries do as processes: log, say that they are ready, stop when told.

use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Logs to standard error, as `RUST_LOG` says.
pub fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Says on standard output that `address` takes connections.
#[allow(
    clippy::print_stdout,
    reason = "whoever started this process waits for the line"
)]
pub fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}

/// A token that is cancelled on SIGTERM, on SIGINT and, if asked for, when standard input ends:
/// then the process cannot outlive the one that started it.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn stop_token(stop_on_stdin_eof: bool) -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let token = token.clone();
        tokio::spawn(async move {
            signals.recv().await;
            token.cancel();
        });
    }
    if stop_on_stdin_eof {
        let token = token.clone();
        // A thread of its own: a read of standard input cannot be called off, and the runtime
        // would wait for it at the end.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            token.cancel();
        });
    }
    Ok(token)
}
