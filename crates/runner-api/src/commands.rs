//! Commands in a sandbox.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/sandboxes/{session}/exec` with [`Exec`] | 200 [`Output`]; with `Accept: application/x-ndjson` a stream of [`ExecEvent`], a line each |
//! | `POST /v1/sandboxes/{session}/commands` with [`Exec`] | 201 [`Command`]: it goes on in the background |
//! | `GET /v1/sandboxes/{session}/commands` | 200 [`Commands`], newest first, with the last 4 KiB of each output |
//! | `GET /v1/sandboxes/{session}/commands/{id}?wait=SECONDS` | 200 [`Command`], at once or when it ended or the time is up; 404 |
//! | `DELETE /v1/sandboxes/{session}/commands/{id}` | 200 [`Command`]: killed with all its children; 404 |
//!
//! A session without a sandbox is 404; a stopped sandbox is started again.

pub use domain::CommandLine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// The command.
    pub command: CommandLine,
    /// The working directory: absolute below `/workspace`, or relative to it.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Variables besides those that every command has.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it reads; without, nothing.
    #[serde(default)]
    pub stdin: Option<String>,
    /// How long it may run, in milliseconds; without, as the runner is configured.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// How a command ended, and what it put out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// What it exited with; 128 and the signal's number for one that was killed.
    pub exit_code: i32,
    /// Its output, as UTF-8 with what is none replaced.
    pub stdout: String,
    /// Its errors, likewise.
    pub stderr: String,
    /// Whether it was killed because its time was up.
    pub timed_out: bool,
    /// Whether one of the two is cut: its first and last part are there.
    pub truncated: bool,
    /// How long it ran.
    pub duration_ms: u64,
}

/// One line of a streamed command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ExecEvent {
    /// It runs.
    Started {
        /// Its id among the sandbox's commands.
        id: u64,
    },
    /// It put something out.
    Stdout {
        /// A piece of text, never half a character.
        text: String,
    },
    /// It complained.
    Stderr {
        /// A piece of text, never half a character.
        text: String,
    },
    /// It ended; nothing comes after it.
    Exited {
        /// As in [`Output`].
        exit_code: i32,
        /// As in [`Output`].
        timed_out: bool,
        /// Whether pieces were left out.
        truncated: bool,
        /// As in [`Output`].
        duration_ms: u64,
    },
    /// It could not be followed to its end; nothing comes after it.
    Failed {
        /// Why, fit for the person who asked.
        detail: String,
    },
}

/// A command of the background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its id among the sandbox's commands.
    pub id: u64,
    /// What was asked for.
    pub command: CommandLine,
    /// When it was started.
    pub started_at: i64,
    /// How it ended, if it did.
    pub exit_code: Option<i32>,
    /// Whether its time was up.
    pub timed_out: bool,
    /// The end of its output so far.
    pub stdout: String,
    /// The end of its errors so far.
    pub stderr: String,
    /// Whether there was more.
    pub truncated: bool,
}

/// A sandbox's commands of the background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// Newest first.
    pub commands: Vec<Command>,
}
