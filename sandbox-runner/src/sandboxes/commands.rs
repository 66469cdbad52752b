//! Commands, between the words of `runner-api` and those of `sandbox`.

use super::SessionSandboxes;
use crate::{admin::Refused, places::Place};
use axum::http::StatusCode;
use runner_api::commands::{Command, CommandLine, Exec, ExecEvent, Output};
use sandbox::{
    exec::{self, ExecError, ExecStream},
    registry::Use,
};
use std::time::Duration;
use uuid::Uuid;

/// How much of a command's output a list shows, in bytes of each.
const BRIEF: usize = 4096;

/// How long commands may run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Unless it is said.
    pub(super) usual: Duration,
    /// At most, when somebody waits for the end.
    pub(super) most: Duration,
}

/// A command that somebody follows. The sandbox counts as used meanwhile.
#[derive(Debug)]
pub(crate) struct Followed {
    stream: ExecStream,
    ended: bool,
    _used: Use,
    _place: Place<i64>,
}

impl Followed {
    /// The next event; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<ExecEvent> {
        if self.ended {
            return None;
        }
        let event = match self.stream.next().await? {
            Ok(event) => told(event),
            Err(error) => ExecEvent::Failed {
                detail: Refused::from(error).detail().to_owned(),
            },
        };
        self.ended = matches!(event, ExecEvent::Exited { .. } | ExecEvent::Failed { .. });
        Some(event)
    }
}

impl SessionSandboxes {
    /// Runs a command to its end.
    pub(crate) async fn exec(&self, session: Uuid, exec: Exec) -> Result<Output, Refused> {
        let exec = self.timeouts.apply(exec)?;
        let _place = self.place(session)?;
        let used = self.enter(session).await?;
        let sandbox = used.commands().await?;
        let output = self.settled(session, sandbox.exec(&exec).await).await?;
        self.metrics.commands.took(output.duration);
        Ok(Output {
            exit_code: output.exit_code,
            stdout: output.stdout,
            stderr: output.stderr,
            timed_out: output.timed_out,
            truncated: output.truncated,
            duration_ms: milliseconds(output.duration),
        })
    }

    /// Runs a command that somebody follows.
    pub(crate) async fn follow(&self, session: Uuid, exec: Exec) -> Result<Followed, Refused> {
        let exec = self.timeouts.apply(exec)?;
        let place = self.place(session)?;
        let used = self.enter(session).await?;
        Ok(Followed {
            stream: used.commands().await?.stream(&exec).await?,
            ended: false,
            _used: used,
            _place: place,
        })
    }

    /// Runs a command in the background. Without a timeout it runs as long as it likes.
    pub(crate) async fn spawn(&self, session: Uuid, exec: Exec) -> Result<Command, Refused> {
        let timeout = exec.timeout_ms.map(Duration::from_millis);
        let exec = wanted(exec, timeout);
        let used = self.enter(session).await?;
        let sandbox = used.commands().await?;
        Ok(shown(sandbox.spawn(&exec).await?))
    }

    /// The commands of the background, newest first.
    pub(crate) async fn commands(&self, session: Uuid) -> Result<Vec<Command>, Refused> {
        let used = self.enter(session).await?;
        let sandbox = used.commands().await?;
        Ok(sandbox.list().into_iter().map(shown).map(brief).collect())
    }

    /// One of them, when it ended or `wait` is over.
    pub(crate) async fn command(
        &self,
        session: Uuid,
        id: u64,
        wait: Duration,
    ) -> Result<Command, Refused> {
        let _place = self.place(session)?;
        let used = self.enter(session).await?;
        let sandbox = used.commands().await?;
        Ok(shown(sandbox.wait(id, wait).await?))
    }

    /// Kills one of them with all its descendants.
    pub(crate) async fn kill(&self, session: Uuid, id: u64) -> Result<Command, Refused> {
        let used = self.enter(session).await?;
        let sandbox = used.commands().await?;
        let killed = sandbox.kill(id).await;
        Ok(shown(self.settled(session, killed).await?))
    }

    /// A command that cannot be killed takes its sandbox along: that ends it for certain, and the
    /// files are kept.
    async fn settled<T>(&self, session: Uuid, done: Result<T, ExecError>) -> Result<T, Refused> {
        if let Err(ExecError::Unkillable) = &done {
            tracing::warn!(%session, "a command cannot be killed: its sandbox is stopped");
            self.registry.get()?.stop(session).await?;
        }
        Ok(done?)
    }
}

impl Timeouts {
    fn apply(&self, exec: Exec) -> Result<exec::Exec, Refused> {
        let timeout = exec.timeout_ms.map_or(self.usual, Duration::from_millis);
        if timeout > self.most {
            let detail = format!(
                "A command may run for {} seconds at most; longer ones run in the background",
                self.most.as_secs()
            );
            return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        Ok(wanted(exec, Some(timeout)))
    }
}

fn wanted(exec: Exec, timeout: Option<Duration>) -> exec::Exec {
    exec::Exec {
        command: match exec.command {
            CommandLine::Shell(text) => exec::CommandLine::Shell(text),
            CommandLine::Argv(argv) => exec::CommandLine::Argv(argv),
        },
        cwd: exec.cwd,
        env: exec.env,
        stdin: exec.stdin.map(String::into_bytes),
        timeout,
    }
}

fn shown(command: exec::Command) -> Command {
    Command {
        id: command.id,
        command: match command.command {
            exec::CommandLine::Shell(text) => CommandLine::Shell(text),
            exec::CommandLine::Argv(argv) => CommandLine::Argv(argv),
        },
        started_at: command.started_at,
        exit_code: command.exit_code,
        timed_out: command.timed_out,
        stdout: command.stdout,
        stderr: command.stderr,
        truncated: command.truncated,
    }
}

/// The same with the end of its output alone: all of many commands would be too much.
fn brief(mut command: Command) -> Command {
    for text in [&mut command.stdout, &mut command.stderr] {
        let from = text.floor_char_boundary(text.len().saturating_sub(BRIEF));
        if from > 0 {
            *text = text.split_off(from);
            command.truncated = true;
        }
    }
    command
}

fn told(event: exec::ExecEvent) -> ExecEvent {
    match event {
        exec::ExecEvent::Started(id) => ExecEvent::Started { id },
        exec::ExecEvent::Stdout(text) => ExecEvent::Stdout { text },
        exec::ExecEvent::Stderr(text) => ExecEvent::Stderr { text },
        exec::ExecEvent::Exited {
            exit_code,
            timed_out,
            truncated,
            duration,
        } => ExecEvent::Exited {
            exit_code,
            timed_out,
            truncated,
            duration_ms: milliseconds(duration),
        },
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<ExecError> for Refused {
    fn from(error: ExecError) -> Self {
        let status = match &error {
            ExecError::Invalid(_) | ExecError::Directory(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ExecError::NotFound => StatusCode::NOT_FOUND,
            ExecError::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            ExecError::Unreachable(_) => StatusCode::CONFLICT,
            // It is started again for whoever comes next.
            ExecError::Gone(_) | ExecError::Unkillable => StatusCode::SERVICE_UNAVAILABLE,
            ExecError::Io(_) | ExecError::Failed(_) => return Self::internal(&error),
        };
        Self::new(status, error.to_string())
    }
}
