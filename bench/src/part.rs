//! The parts of a run, each of which can be run alone.

use clap::ValueEnum;

/// A part of a run. `cargo xtask bench` knows the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Requests to the edge, beside its peers.
    Requests,
    /// The open chat, beside its model.
    Chat,
    /// Runs, from the model to the socket, beside the model.
    Runs,
    /// What hashing passwords does to everybody else.
    Logins,
    /// Sandboxes, their commands and their files.
    Sandboxes,
    /// Rooms: fan-out, and memory of sockets.
    Rooms,
}
