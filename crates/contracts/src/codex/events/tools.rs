//! Calls of tools: commands as Codex's `exec_command_…`, others as calls of a server that is
//! called `atelier`, and those that have events of their own as the model made them.

use super::{Payload, background, text_of};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use domain::{ToolCallEvent, ToolPhase};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What the sandbox calls the folder that relative paths begin at.
const ROOT: &str = "/workspace";

/// A command is run.
#[derive(Debug, Serialize)]
pub struct ExecBegin<'a> {
    call_id: &'a str,
    command: Vec<&'a str>,
    cwd: String,
    parsed_cmd: [Parsed; 1],
}

/// What a command is for: nobody looks into it.
#[derive(Debug, Serialize)]
pub struct Parsed {
    #[serde(rename = "type")]
    kind: &'static str,
    cmd: String,
}

/// A command put something out.
#[derive(Debug, Serialize)]
pub struct ExecOutput<'a> {
    call_id: &'a str,
    stream: &'static str,
    /// Codex writes bytes.
    #[serde(serialize_with = "as_base64")]
    chunk: &'a str,
}

/// A command ended. Output and errors are mixed, as they came.
#[derive(Debug, Serialize)]
pub struct ExecEnd<'a> {
    call_id: &'a str,
    stdout: &'a str,
    stderr: &'a str,
    aggregated_output: &'a str,
    exit_code: i64,
    duration: Span,
    /// What the model is told.
    formatted_output: &'a str,
}

#[derive(Debug, Serialize)]
struct Span {
    secs: u64,
    nanos: u64,
}

/// A tool is called.
#[derive(Debug, Serialize)]
pub struct CallBegin<'a> {
    call_id: &'a str,
    invocation: Invocation<'a>,
}

#[derive(Debug, Serialize)]
struct Invocation<'a> {
    server: &'static str,
    tool: &'a str,
    arguments: Option<&'a Value>,
}

/// A tool is done.
#[derive(Debug, Serialize)]
pub struct CallEnd<'a> {
    call_id: &'a str,
    invocation: Invocation<'a>,
    duration: Span,
    result: Outcome<'a>,
}

/// Codex writes Rust's own `Result`.
#[derive(Debug, Serialize)]
enum Outcome<'a> {
    Ok { content: [Content<'a>; 1] },
    Err(&'a str),
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

/// A call as the model made it, or what came of it.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item<'a> {
    /// The call.
    FunctionCall {
        /// The tool.
        name: &'a str,
        /// JSON in a text, as models write it.
        arguments: String,
        /// Which call.
        call_id: &'a str,
    },
    /// Its output.
    FunctionCallOutput {
        /// Which call.
        call_id: &'a str,
        /// What the model is told.
        output: &'a str,
    },
}

impl Parsed {
    pub(super) fn of(cmd: String) -> Self {
        let kind = "unknown";
        Self { kind, cmd }
    }
}

pub(super) fn of_call(call: &ToolCallEvent) -> Payload<'_> {
    let shell = matches!(call.tool.as_str(), "exec" | "shell");
    let told = matches!(
        call.tool.as_str(),
        "apply_patch" | "update_plan" | "web_search"
    );
    match call.phase {
        ToolPhase::Started if shell => Payload::ExecCommandBegin(exec_begin(call)),
        ToolPhase::Ended if shell => Payload::ExecCommandEnd(exec_end(call)),
        ToolPhase::Output if shell => Payload::ExecCommandOutputDelta(ExecOutput {
            call_id: &call.tool_call_id,
            stream: "stdout",
            chunk: said(call),
        }),
        ToolPhase::Output => Payload::BackgroundEvent(super::Background {
            call_id: Some(&call.tool_call_id),
            ..background(said(call))
        }),
        ToolPhase::Started if told => Payload::RawResponseItem {
            item: Item::FunctionCall {
                name: &call.tool,
                arguments: call
                    .arguments
                    .as_ref()
                    .map_or_else(String::new, Value::to_string),
                call_id: &call.tool_call_id,
            },
        },
        ToolPhase::Ended if told => Payload::RawResponseItem {
            item: Item::FunctionCallOutput {
                call_id: &call.tool_call_id,
                output: output(call),
            },
        },
        ToolPhase::Started => Payload::McpToolCallBegin(CallBegin {
            call_id: &call.tool_call_id,
            invocation: invocation(call),
        }),
        ToolPhase::Ended => Payload::McpToolCallEnd(CallEnd {
            call_id: &call.tool_call_id,
            invocation: invocation(call),
            duration: duration(call),
            result: match is_done(call) {
                true => Outcome::Ok {
                    content: [Content {
                        kind: "text",
                        text: output(call),
                    }],
                },
                false => Outcome::Err(output(call)),
            },
        }),
    }
}

fn exec_begin(call: &ToolCallEvent) -> ExecBegin<'_> {
    let arguments = call.arguments.as_ref();
    let command = match arguments.and_then(|arguments| arguments.get("command")) {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(line)) => vec!["sh", "-c", line],
        _ => Vec::new(),
    };
    let line = match command.as_slice() {
        ["sh", "-c", line] => (*line).to_owned(),
        words => words.join(" "),
    };
    // One tool has the one word, one the other.
    let cwd = text_of(arguments, "cwd").or_else(|| text_of(arguments, "workdir"));
    let cwd = match cwd {
        None | Some("") => ROOT.to_owned(),
        Some(absolute) if absolute.starts_with('/') => absolute.to_owned(),
        Some(relative) => format!("{ROOT}/{relative}"),
    };
    ExecBegin {
        call_id: &call.tool_call_id,
        command,
        cwd,
        parsed_cmd: [Parsed::of(line)],
    }
}

fn exec_end(call: &ToolCallEvent) -> ExecEnd<'_> {
    let formatted = output(call);
    let code = detail(call, "exit_code").and_then(Value::as_i64);
    // What the model is told of the end stands in the last line.
    let own = match code {
        Some(code) => formatted
            .strip_suffix(&format!("[exit code {code}]"))
            .unwrap_or(formatted),
        None => formatted,
    };
    let ran = code.is_some() || is_done(call);
    let (stdout, stderr) = if ran { (own, "") } else { ("", own) };
    ExecEnd {
        call_id: &call.tool_call_id,
        stdout,
        stderr,
        aggregated_output: own,
        exit_code: code.unwrap_or(if ran { 0 } else { -1 }),
        duration: duration(call),
        formatted_output: formatted,
    }
}

fn invocation(call: &ToolCallEvent) -> Invocation<'_> {
    Invocation {
        server: "atelier",
        tool: &call.tool,
        arguments: call.arguments.as_ref(),
    }
}

/// What a call put out up to now.
fn said(call: &ToolCallEvent) -> &str {
    call.result
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What the model is told of a call.
fn output(call: &ToolCallEvent) -> &str {
    text_of(call.result.as_ref(), "output").unwrap_or_default()
}

fn is_done(call: &ToolCallEvent) -> bool {
    text_of(call.result.as_ref(), "status") == Some("done")
}

fn detail<'a>(call: &'a ToolCallEvent, member: &str) -> Option<&'a Value> {
    call.result.as_ref()?.get("detail")?.get(member)
}

fn duration(call: &ToolCallEvent) -> Span {
    let millis = detail(call, "duration_ms")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    Span {
        secs: millis / 1_000,
        nanos: millis % 1_000 * 1_000_000,
    }
}

fn as_base64<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(text))
}
