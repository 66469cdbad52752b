//! `shell`: a command in the session's folder.

use super::Desk;
use crate::tools::{self, Arguments, number, text};
use agent::{Caller, Output, Spec, ToolError};
use coding::Approval;
use domain::{CommandLine, event::ApprovalSubject};
use runner_api::commands::Exec;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use store::codex::approvals::ApprovalKind;

/// How long a command may run, in seconds: by default, and at most.
const SECONDS: u64 = 120;
const MOST_SECONDS: u64 = 540;

/// What the tool is called.
pub(super) const NAME: &str = "shell";

pub(super) fn spec(patience: Duration) -> Spec {
    let mut spec = tools::spec(
        NAME,
        "Runs a command in the sandbox, and gives you its output and exit code. Give it as a list \
         of words, or as a text for `sh -c`. A command that does not end by itself, such as a \
         server, is to be run in the background.",
        false,
        json!({
            "type": "object",
            "properties": {
                "command": {
                    "anyOf": [
                        {"type": "array", "items": {"type": "string", "maxLength": 100_000}, "minItems": 1, "maxItems": 1024},
                        {"type": "string", "minLength": 1, "maxLength": 100_000}
                    ],
                    "description": "The command"
                },
                "workdir": {"type": "string", "maxLength": 1024, "description": "The folder to run it in, relative to the session's folder"},
                "timeout": {"type": "integer", "minimum": 1, "maximum": MOST_SECONDS, "description": "Seconds after which it is killed, 120 by default"},
                "background": {"type": "boolean", "description": "Whether it goes on while you do something else"},
                "justification": {"type": "string", "maxLength": 1000, "description": "Why it should be allowed, in a sentence for the user"}
            },
            "required": ["command"],
            "additionalProperties": false
        }),
    );
    // The command's own limit comes first, and so does the user's.
    spec.timeout = Some(Duration::from_secs(MOST_SECONDS + 60).saturating_add(patience));
    spec
}

pub(super) async fn shell(
    desk: &Desk,
    arguments: Arguments,
    caller: &Caller,
) -> Result<Output, ToolError> {
    let command = arguments.get("command").cloned().unwrap_or_default();
    let command: CommandLine =
        serde_json::from_value(command).map_err(|error| ToolError(format!("command: {error}")))?;
    let cwd = folder(&desk.site.cwd, text(&arguments, "workdir"));
    // A sandbox that was made when the profile was another may be written in.
    let asks = match desk.approval {
        Approval::Ask => true,
        Approval::ReadOnly => !desk.launch.read_only,
        Approval::AskPatches | Approval::Auto => false,
    };
    if asks && !coding::only_reads(&command) {
        let subject = ApprovalSubject::Command {
            command: words(&command),
            cwd: cwd.clone(),
        };
        let reason = match text(&arguments, "justification") {
            "" => "The command is not known to change nothing",
            reason => reason,
        };
        desk.ask(caller, ApprovalKind::Command, subject, reason)
            .await?;
    }
    desk.ready(caller).await?;
    let in_background = arguments.get("background").and_then(Value::as_bool);
    let in_background = in_background.unwrap_or_default();
    let seconds = number(&arguments, "timeout").unwrap_or(SECONDS);
    let exec = Exec {
        command,
        cwd: Some(cwd),
        env: BTreeMap::new(),
        stdin: None,
        timeout_ms: (!in_background).then_some(seconds.saturating_mul(1_000)),
    };
    let (client, session) = (&desk.site.client, desk.site.session);
    let done = match in_background {
        true => tools::start(client, session, &exec).await,
        false => tools::run(client, session, &exec, caller).await,
    };
    // Also of one that failed.
    desk.tell_changes(caller).await;
    done
}

/// A folder, relative to the session's own.
pub(super) fn folder(base: &str, below: &str) -> String {
    match below {
        "" => base.to_owned(),
        below if below.starts_with('/') => below.to_owned(),
        below => format!("{base}/{below}"),
    }
}

fn words(command: &CommandLine) -> Vec<String> {
    match command {
        CommandLine::Argv(words) => words.clone(),
        CommandLine::Shell(script) => ["sh", "-c", script].map(str::to_owned).to_vec(),
    }
}
