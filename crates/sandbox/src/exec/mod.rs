//! Commands in a sandbox: run to their end, followed piece by piece, or left in the background.
//!
//! Invariant: a command's output is always read at full speed, whoever wants it or not, and what
//! is kept of it is bounded. A command whose caller leaves is killed, unless it is one of the
//! background.

mod background;
mod capture;
mod command;
mod error;
mod launch;
mod sandbox;
mod stream;
mod text;

pub use command::{Command, CommandLine, Exec, ExecEvent, Output};
pub use error::ExecError;
pub use sandbox::{Sandbox, Settings};
pub use stream::ExecStream;
