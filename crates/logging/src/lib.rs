//! How the native programs log: to standard error, as much as `RUST_LOG` says (`info` without).
//!
//! The access log is a line for every request, so its lines are gathered and written by a thread of
//! their own; all others are written before the program goes on, so that a crash loses none.

use std::io::{self, IsTerminal as _};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt::writer::MakeWriterExt as _};

/// The target of the access log. `RUST_LOG=info,access=off` leaves it out.
pub const ACCESS: &str = "access";

/// How many lines of the access log may wait. More are dropped rather than slow a request down.
const WAITING: usize = 16 * 1024;

/// Writes what waits when it is dropped.
#[derive(Debug)]
#[must_use = "what waits is written when it is dropped"]
pub struct Logging {
    _guard: WorkerGuard,
}

/// Logs from now on. To be called once in a program's life.
pub fn start() -> Logging {
    let (gathered, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("access log")
        .finish(io::stderr());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(
            gathered
                .with_filter(|line| line.target() == ACCESS)
                .or_else(io::stderr),
        )
        .init();
    Logging { _guard: guard }
}
