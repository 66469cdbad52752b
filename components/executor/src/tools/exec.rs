//! `exec`

use super::{Arguments, Workspace, number, refused, spec as tool, text};
use agent::{Caller, Output, Spec, ToolError};
use futures::StreamExt;
use runner_api::{
    Client,
    commands::{CommandLine, Exec, ExecEvent},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// How long a command may run, in seconds: by default, and at most.
const SECONDS: u64 = 120;
const MOST_SECONDS: u64 = 540;

/// How much output is gathered, in bytes. The runner keeps no more of a stream either.
const OUTPUT: usize = 2 << 20;

pub(super) fn spec() -> Spec {
    let mut spec = tool(
        "exec",
        "Runs a command in the sandbox with `sh -c`, and gives you its output and exit code. A \
         command that does not end by itself, such as a server, is to be run in the background.",
        false,
        json!({
            "type": "object",
            "properties": {
                "command": {"type": "string", "minLength": 1, "maxLength": 100_000, "description": "The command"},
                "cwd": {"type": "string", "maxLength": 1024, "description": "The folder to run it in, relative to the workspace"},
                "timeout": {"type": "integer", "minimum": 1, "maximum": MOST_SECONDS, "description": "Seconds after which it is killed, 120 by default"},
                "background": {"type": "boolean", "description": "Whether it goes on while you do something else"}
            },
            "required": ["command"],
            "additionalProperties": false
        }),
    );
    // The command's own limit comes first.
    spec.timeout = Some(Duration::from_secs(MOST_SECONDS + 60));
    spec
}

pub(super) async fn exec(
    workspace: &Workspace,
    arguments: Arguments,
    caller: &Caller,
) -> Result<Output, ToolError> {
    let cwd = text(&arguments, "cwd");
    let in_background = arguments.get("background").and_then(Value::as_bool);
    let in_background = in_background.unwrap_or_default();
    let seconds = number(&arguments, "timeout").unwrap_or(SECONDS);
    let exec = Exec {
        command: CommandLine::Shell(text(&arguments, "command").to_owned()),
        cwd: (!cwd.is_empty()).then(|| cwd.to_owned()),
        env: BTreeMap::new(),
        stdin: None,
        timeout_ms: (!in_background).then_some(seconds.saturating_mul(1_000)),
    };
    let (client, session) = (&workspace.client, workspace.session);
    match in_background {
        true => start(client, session, &exec).await,
        false => run(client, session, &exec, caller).await,
    }
}

/// Runs a command to its end, and tells what it puts out as it does.
pub(crate) async fn run(
    client: &Client,
    session: Uuid,
    exec: &Exec,
    caller: &Caller,
) -> Result<Output, ToolError> {
    let events = client.exec_stream(session, exec).await;
    let mut events = events.map_err(|error| refused(&error))?;
    let mut output = String::new();
    // Once a piece does not fit, none after it is taken: a smaller one would leave a hole before it.
    let mut is_full = false;
    while let Some(event) = events.next().await {
        match event.map_err(|error| refused(&error))? {
            ExecEvent::Started { .. } => {}
            ExecEvent::Stdout { text } | ExecEvent::Stderr { text } => {
                is_full |= output.len().saturating_add(text.len()) > OUTPUT;
                if !is_full {
                    output.push_str(&text);
                }
                caller.put_out(text).await;
            }
            ExecEvent::Exited {
                exit_code,
                timed_out,
                truncated,
                duration_ms,
            } => {
                let detail = json!({
                    "exit_code": exit_code, "timed_out": timed_out, "truncated": truncated,
                    "duration_ms": duration_ms
                });
                let seconds = exec.timeout_ms.unwrap_or_default() / 1_000;
                return Ok(Output {
                    text: told(output, exit_code, timed_out, seconds),
                    detail: Some(detail),
                });
            }
            ExecEvent::Failed { detail } => return Err(ToolError(detail)),
        }
    }
    Err(ToolError(
        "the command could not be followed to its end".to_owned(),
    ))
}

fn told(mut output: String, exit_code: i32, timed_out: bool, seconds: u64) -> String {
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    let end = match timed_out {
        true => format!("[It was killed after {seconds} s, with all its children.]"),
        false => format!("[exit code {exit_code}]"),
    };
    output.push_str(&end);
    output
}

/// Starts a command that goes on in the background.
pub(crate) async fn start(
    client: &Client,
    session: Uuid,
    exec: &Exec,
) -> Result<Output, ToolError> {
    let started = client.start(session, exec).await;
    let command = started.map_err(|error| refused(&error))?;
    Ok(Output {
        text: format!("It runs in the background as command {}.", command.id),
        detail: Some(json!({"command_id": command.id})),
    })
}
