//! How the native programs log: to standard error, as much as `RUST_LOG` says (`info` without).
//!
//! The access log is a line for every request, so its lines are gathered and written by a thread of
//! their own; all others are written before the program goes on, so that a crash loses none.

mod gathered;

use gathered::Gathered;
use std::io::{self, IsTerminal as _};
use tracing_subscriber::{EnvFilter, fmt::writer::MakeWriterExt as _};

/// The target of the access log. `RUST_LOG=info,access=off` leaves it out.
pub const ACCESS: &str = "access";

/// Writes what waits when it is dropped.
#[derive(Debug)]
#[must_use = "what waits is written when it is dropped"]
pub struct Logging {
    gathered: Gathered,
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.gathered.end();
    }
}

/// Logs from now on. To be called once in a program's life.
pub fn start() -> Logging {
    let gathered = Gathered::default();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = gathered.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(
            (move || lines.clone())
                .with_filter(|line| line.target() == ACCESS)
                .or_else(io::stderr),
        )
        .init();
    let lines = gathered.clone();
    let thread = std::thread::Builder::new()
        .name("access log".to_owned())
        .spawn(move || lines.write_to(io::stderr()));
    if let Err(error) = thread {
        tracing::error!(%error, "there is no access log");
    }
    Logging { gathered }
}
