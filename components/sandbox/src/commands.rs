//! Commands in the background.

use crate::exec::asked;
use axum::extract::{RawPathParams, State};
use contracts::workspace::sandbox::{BACKGROUND_MAX_SECONDS, BackgroundCommand, ExecRequest};
use domain::{Error, SessionKey, Timestamp};
use http::{HeaderMap, StatusCode};
use ports::Platform;
use runner_api::{Client, commands::Command};
use std::time::Duration;
use web::{Json, Outcome, OwnSession, Parameters, Segment, SignedBody, own_session};

/// The longest that a request waits for a command's end, in seconds.
const WAIT_MOST: u64 = 60;

pub(crate) async fn start(
    State(platform): State<Platform>,
    Segment(id): Segment,
    headers: HeaderMap,
    SignedBody(signed_in, body): SignedBody<ExecRequest>,
) -> Outcome<(StatusCode, Json<BackgroundCommand>)> {
    let session = own_session(&platform, &signed_in, SessionKey::parse(&id)).await?;
    let exec = asked(body, BACKGROUND_MAX_SECONDS)?;
    let client = Client::of(&platform, &headers);
    let started = client.start(session.uuid, &exec).await?;
    Ok((StatusCode::CREATED, Json(shown(started))))
}

pub(crate) async fn list(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    headers: HeaderMap,
) -> Outcome<Json<Vec<BackgroundCommand>>> {
    let client = Client::of(&platform, &headers);
    let commands = client.commands(session.uuid).await?.commands;
    Ok(Json(commands.into_iter().map(shown).collect()))
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    path: RawPathParams,
    headers: HeaderMap,
    query: Parameters,
) -> Outcome<Json<BackgroundCommand>> {
    let wait = wait(&query)?;
    let client = Client::of(&platform, &headers);
    let found = client.command(session.uuid, id(&path)?, wait).await?;
    Ok(Json(shown(found)))
}

pub(crate) async fn kill(
    State(platform): State<Platform>,
    OwnSession(_, session): OwnSession,
    path: RawPathParams,
    headers: HeaderMap,
) -> Outcome<Json<BackgroundCommand>> {
    let client = Client::of(&platform, &headers);
    let killed = client.kill(session.uuid, id(&path)?).await?;
    Ok(Json(shown(killed)))
}

/// The command that the path's last parameter names.
fn id(path: &RawPathParams) -> Result<u64, Error> {
    let last = path.iter().last().map(|(_, text)| text);
    let digits = last.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let id = digits.and_then(|text| text.parse().ok());
    id.ok_or_else(|| Error::not_found("Command not found"))
}

fn wait(query: &Parameters) -> Result<Option<Duration>, Error> {
    let Some(text) = query.given("wait") else {
        return Ok(None);
    };
    match text.parse() {
        Ok(seconds) if seconds <= WAIT_MOST => Ok(Some(Duration::from_secs(seconds))),
        _ => {
            let message = format!("must be a whole number from 0 to {WAIT_MOST}");
            Err(Error::invalid_field("query.wait", message))
        }
    }
}

fn shown(command: Command) -> BackgroundCommand {
    BackgroundCommand {
        id: command.id,
        command: command.command,
        started_at: Timestamp(command.started_at),
        running: command.exit_code.is_none(),
        exit_code: command.exit_code,
        timed_out: command.timed_out,
        stdout: command.stdout,
        stderr: command.stderr,
        truncated: command.truncated,
    }
}
