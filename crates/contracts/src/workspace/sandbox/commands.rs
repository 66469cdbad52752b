//! Commands: what they are asked with, and what comes of them.

use domain::{CommandLine, Error, SessionKey, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The longest command, and the longest of its arguments and variables, in bytes.
const TEXT_MAX: usize = 128 * 1024;

/// The most arguments.
const ARGUMENTS_MAX: usize = 1_024;

/// The most variables.
const VARIABLES_MAX: usize = 256;

/// The longest time of a command that somebody waits for, in seconds.
pub const EXEC_MAX_SECONDS: u32 = 540;

/// The longest time of a command in the background, in seconds: a day.
pub const BACKGROUND_MAX_SECONDS: u32 = 86_400;

/// `POST /sandbox/exec`, and, without `session_id`, `POST /sandbox/{session_id}/commands`: a
/// command that goes on in the background.
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct ExecRequest {
    /// The session, by its UUID or its number.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    #[garde(skip)]
    pub session_id: Option<SessionKey>,
    /// A text for `sh -c`, or a list: a program and its arguments.
    #[schema(value_type = Object, example = "ls -l")]
    #[garde(custom(is_command))]
    pub command: CommandLine,
    /// The working directory: absolute below `/workspace`, or relative to it, which it is without.
    #[serde(default)]
    #[garde(custom(is_path_if_any))]
    pub cwd: Option<String>,
    /// Variables besides those that every command has; at most 256.
    #[serde(default)]
    #[garde(custom(are_variables))]
    pub env: Option<BTreeMap<String, String>>,
    /// What it reads; without, nothing.
    #[serde(default)]
    #[garde(skip)]
    pub stdin: Option<String>,
    /// Seconds that it may run, at most 540, in the background at most a day; without, as the
    /// operator says.
    #[serde(default)]
    #[garde(skip)]
    pub timeout: Option<f64>,
}

impl ExecRequest {
    /// The timeout in milliseconds, rounded up.
    ///
    /// # Errors
    /// Invalid when it is longer than `most` seconds, or no time at all.
    pub fn timeout_ms(&self, most: u32) -> Result<Option<u64>, Error> {
        let Some(seconds) = self.timeout else {
            return Ok(None);
        };
        let milliseconds = (seconds * 1_000.0).ceil();
        // What is no number is in no range.
        if (1.0..=f64::from(most) * 1_000.0).contains(&milliseconds) {
            return Ok(Some(milliseconds as u64));
        }
        let message = format!("must be a number of seconds above 0 and at most {most}");
        Err(Error::invalid_field("timeout", message))
    }
}

/// How a command ended, and what it put out.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExecResult {
    /// What it exited with; 128 and the signal's number for one that was killed.
    pub exit_code: i32,
    /// Its output.
    pub stdout: String,
    /// Its errors.
    pub stderr: String,
    /// Whether it was killed, with all its children, because its time was up.
    pub timed_out: bool,
    /// Whether one of the two is cut: its first and last part are there.
    pub truncated: bool,
    /// How long it ran.
    pub duration_ms: u64,
}

/// A command in the background.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackgroundCommand {
    /// Its id among the sandbox's commands.
    pub id: u64,
    /// What was asked for.
    #[schema(value_type = Object)]
    pub command: CommandLine,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Whether it still runs.
    pub running: bool,
    /// What it exited with, if it did.
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

fn is_command(command: &CommandLine, _: &()) -> garde::Result {
    let (first, all): (_, &[String]) = match command {
        CommandLine::Shell(text) => (Some(text), std::slice::from_ref(text)),
        CommandLine::Argv(argv) => (argv.first(), argv),
    };
    if first.is_none_or(|first| first.trim().is_empty()) {
        return Err(garde::Error::new("must not be empty"));
    }
    if all.len() > ARGUMENTS_MAX {
        return Err(garde::Error::new(format!(
            "must have at most {ARGUMENTS_MAX} parts"
        )));
    }
    all.iter().try_for_each(|text| is_text(text))
}

fn are_variables(env: &Option<BTreeMap<String, String>>, _: &()) -> garde::Result {
    let Some(env) = env else { return Ok(()) };
    if env.len() > VARIABLES_MAX {
        return Err(garde::Error::new(format!(
            "must have at most {VARIABLES_MAX} variables"
        )));
    }
    for (name, value) in env {
        let head = name.bytes().next().unwrap_or(b'0');
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if head.is_ascii_digit() || !name.bytes().all(word) || name.len() > 256 {
            let shown: String = name.chars().take(64).collect();
            return Err(garde::Error::new(format!(
                "`{shown}` is no variable's name"
            )));
        }
        is_text(value)?;
    }
    Ok(())
}

fn is_text(text: &str) -> garde::Result {
    match text {
        _ if text.len() > TEXT_MAX => Err(garde::Error::new(format!(
            "must be at most {TEXT_MAX} bytes each"
        ))),
        _ if text.contains('\0') => Err(garde::Error::new("must not contain NUL")),
        _ => Ok(()),
    }
}

fn is_path_if_any(path: &Option<String>, context: &()) -> garde::Result {
    path.as_deref()
        .map_or(Ok(()), |path| is_path(path, context))
}

/// Where a path leads is decided by whoever follows it; this is about what can be one at all.
pub(crate) fn is_path(path: &str, _: &()) -> garde::Result {
    crate::workspace::files::check_path(path).map_err(garde::Error::new)
}
