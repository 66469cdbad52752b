//! What is asked for, and what comes of it.

use super::ExecError;
use sandbox_init::protocol::Run;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    time::Duration,
};

/// What a sandbox's files are below.
const WORKSPACE: &str = "/workspace";

/// The most bytes of a command with its arguments and variables.
const MAX_LENGTH: usize = 128 * 1024;

/// The most variables.
const MAX_VARIABLES: usize = 256;

/// A command as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandLine {
    /// For `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The command.
    pub command: CommandLine,
    /// The working directory: absolute below `/workspace`, or relative to it.
    pub cwd: Option<String>,
    /// Variables besides those that every command has.
    pub env: BTreeMap<String, String>,
    /// What it reads; without, nothing.
    pub stdin: Option<Vec<u8>>,
    /// How long it may run; without, as long as it likes.
    pub timeout: Option<Duration>,
}

/// How a command ended, and what it put out.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub duration: Duration,
}

/// What happens to a command that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEvent {
    /// It runs, under that id.
    Started(u64),
    /// A piece of its output, never half a character.
    Stdout(String),
    /// A piece of its errors, never half a character.
    Stderr(String),
    /// It ended; nothing comes after it.
    Exited {
        /// As in [`Output`].
        exit_code: i32,
        /// As in [`Output`].
        timed_out: bool,
        /// Whether pieces were left out.
        truncated: bool,
        /// As in [`Output`].
        duration: Duration,
    },
}

/// A command of the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its id among the sandbox's commands.
    pub id: u64,
    /// What was asked for.
    pub command: CommandLine,
    /// When it was started, in milliseconds since 1970.
    pub started_at: i64,
    /// How it ended, if it did.
    pub exit_code: Option<i32>,
    /// Whether its time was up.
    pub timed_out: bool,
    /// Its output so far, its first and last part if it is long.
    pub stdout: String,
    /// Its errors so far, likewise.
    pub stderr: String,
    /// Whether there was more: it was too long, or an earlier runner read it.
    pub truncated: bool,
}

impl Exec {
    /// A command for `sh -c`, without anything else.
    #[must_use]
    pub fn shell(command: impl Into<String>) -> Self {
        Self {
            command: CommandLine::Shell(command.into()),
            cwd: None,
            env: BTreeMap::new(),
            stdin: None,
            timeout: None,
        }
    }

    /// A program and its arguments, without anything else.
    #[must_use]
    pub fn argv<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            command: CommandLine::Argv(argv.into_iter().map(Into::into).collect()),
            ..Self::shell("")
        }
    }

    /// It as init wants it.
    pub(super) fn to_run(&self, background: bool, note: String) -> Result<Run, ExecError> {
        let argv = match &self.command {
            CommandLine::Shell(command) if command.trim().is_empty() => Vec::new(),
            CommandLine::Shell(command) => ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
            CommandLine::Argv(argv) => argv.clone(),
        };
        let variables = self
            .env
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let length: usize = argv.iter().map(String::len).chain(variables).sum();
        if length > MAX_LENGTH {
            let detail = format!(
                "The command and its variables have {length} bytes; at most {MAX_LENGTH} fit"
            );
            return Err(ExecError::Invalid(detail));
        }
        if self.env.len() > MAX_VARIABLES {
            let detail = format!("There are more than {MAX_VARIABLES} variables");
            return Err(ExecError::Invalid(detail));
        }
        let timeout = self.timeout.map(|timeout| timeout.as_millis());
        let run = Run {
            argv,
            cwd: directory(self.cwd.as_deref())?,
            env: self.env.clone(),
            background,
            timeout_ms: timeout.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
            note,
        };
        run.check().map_err(ExecError::Invalid)?;
        Ok(run)
    }
}

/// The absolute working directory, which is not above the workspace as it is written. Where its
/// links lead is the sandbox's own affair.
fn directory(cwd: Option<&str>) -> Result<String, ExecError> {
    let outside = || ExecError::Invalid(format!("The working directory is not below {WORKSPACE}"));
    let written = Path::new(WORKSPACE).join(cwd.unwrap_or_default());
    let mut path = PathBuf::from("/");
    for component in written.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(outside()),
        }
        if path != Path::new("/") && !path.starts_with(WORKSPACE) {
            return Err(outside());
        }
    }
    if !path.starts_with(WORKSPACE) {
        return Err(outside());
    }
    path.into_os_string().into_string().map_err(|_| outside())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_directory_stays_below_the_workspace() {
        let good = [
            (None, "/workspace"),
            (Some(""), "/workspace"),
            (Some("."), "/workspace"),
            (Some("a/../b"), "/workspace/b"),
            (Some("/workspace/a"), "/workspace/a"),
            (Some("/workspace/a/.."), "/workspace"),
        ];
        for (cwd, expected) in good {
            assert_eq!(directory(cwd).unwrap(), expected, "{cwd:?}");
        }
        for cwd in [
            "/",
            "/etc",
            "..",
            "../etc",
            "a/../../etc",
            "/workspace/..",
            "/workspacer",
        ] {
            assert!(directory(Some(cwd)).is_err(), "{cwd}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let with = |name: &str, value: &str| Exec {
            env: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            ..Exec::shell("true")
        };
        let bad = [
            Exec::shell("  "),
            Exec::argv(Vec::<String>::new()),
            Exec::argv([""]),
            Exec::argv(["a\0b"]),
            Exec::shell("x".repeat(MAX_LENGTH + 1)),
            with("A=B", ""),
            with("", "x"),
            with("1A", "x"),
            with("A", "\0"),
            with("A", &"x".repeat(MAX_LENGTH + 1)),
            Exec {
                env: (0..=MAX_VARIABLES)
                    .map(|i| (format!("V{i}"), String::new()))
                    .collect(),
                ..Exec::shell("true")
            },
            Exec {
                cwd: Some("a\0".to_owned()),
                ..Exec::shell("true")
            },
        ];
        for exec in bad {
            let run = exec.to_run(false, String::new());
            assert!(matches!(run, Err(ExecError::Invalid(_))), "{exec:?}");
        }
    }
}
