//! `POST /sandbox/exec`: a command, to its end or as it goes.

use crate::events;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::workspace::sandbox::{self as view, ExecRequest, ExecResult};
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    Client,
    commands::{CommandLine, Exec, Output},
};
use std::{collections::BTreeMap, time::Duration};
use web::{Json, Outcome, SignedBody, asks_for, own_session};

pub(crate) async fn exec(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<ExecRequest>,
) -> Outcome<Response> {
    let session = own_session(&platform, &signed_in, Some(body.session_id)).await?;
    let exec = Exec {
        command: command(body.command),
        cwd: body.cwd,
        env: variables(body.env),
        stdin: body.stdin,
        timeout_ms: milliseconds(body.timeout),
    };
    let client = Client::of(&platform, &headers);
    if asks_for(&headers, "text/event-stream") {
        let stream = client.exec_stream(session.uuid, &exec).await?;
        return Ok(events::stream(&platform, stream));
    }
    let output = client.exec(session.uuid, &exec).await?;
    Ok(Json(result(output)).into_response())
}

pub(crate) fn command(command: view::CommandLine) -> CommandLine {
    match command {
        view::CommandLine::Shell(text) => CommandLine::Shell(text),
        view::CommandLine::Argv(argv) => CommandLine::Argv(argv),
    }
}

pub(crate) fn variables(env: Option<BTreeMap<String, String>>) -> BTreeMap<String, String> {
    env.unwrap_or_default()
}

/// A checked number of seconds, rounded up: what was asked for is never less than nothing.
pub(crate) fn milliseconds(seconds: Option<f64>) -> Option<u64> {
    let timeout = view::timeout(seconds)?;
    let rest = Duration::from_nanos(999_999);
    u64::try_from(timeout.saturating_add(rest).as_millis()).ok()
}

fn result(output: Output) -> ExecResult {
    ExecResult {
        exit_code: output.exit_code,
        stdout: output.stdout,
        stderr: output.stderr,
        timed_out: output.timed_out,
        truncated: output.truncated,
        duration_ms: output.duration_ms,
    }
}
