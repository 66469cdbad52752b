//! `POST /sandbox/exec`: a command, to its end or as it goes.

use crate::events;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::workspace::sandbox::{EXEC_MAX_SECONDS, ExecRequest, ExecResult};
use domain::Error;
use http::HeaderMap;
use ports::Platform;
use runner_api::{
    Client,
    commands::{Exec, Output},
};
use web::{Json, Outcome, SignedBody, asks_for, own_session};

pub(crate) async fn exec(
    State(platform): State<Platform>,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<ExecRequest>,
) -> Outcome<Response> {
    let key = body.session_id;
    let key = key.ok_or_else(|| Error::invalid_field("session_id", "is required"))?;
    let session = own_session(&platform, &signed_in, Some(key)).await?;
    let exec = asked(body, EXEC_MAX_SECONDS)?;
    let client = Client::of(&platform, &headers);
    if asks_for(&headers, "text/event-stream") {
        let stream = client.exec_stream(session.uuid, &exec).await?;
        return Ok(events::stream(&platform, stream));
    }
    let output = client.exec(session.uuid, &exec).await?;
    Ok(Json(result(output)).into_response())
}

/// What the runner is asked, for a command that may take at most `most` seconds.
pub(crate) fn asked(body: ExecRequest, most: u32) -> Result<Exec, Error> {
    let timeout_ms = body.timeout_ms(most)?;
    Ok(Exec {
        command: body.command,
        cwd: body.cwd,
        env: body.env.unwrap_or_default(),
        stdin: body.stdin,
        timeout_ms,
    })
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
