//! Letters on their way: the runner sends them (`POST /v1/mail`).

use crate::letters::Letter;
use bytes::Bytes;
use domain::{Email, Error, ErrorKind};
use futures::future::{Either, select};
use http::{Request, header};
use ports::{ConnectTimeout, Platform};
use serde::Serialize;
use std::{pin::pin, time::Duration};
use web::variable;

/// How long the runner may take to store a letter.
const LIMIT: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Message<'a> {
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    discard: bool,
}

/// Hands a letter to the runner, which stores it before it answers. One that is not `wanted`,
/// because there is nobody to send it to, goes the same way up to the mail server and is discarded
/// there, so that nobody can tell by the time it takes.
///
/// # Errors
/// Unavailable when the runner does not take it.
pub(crate) async fn send(
    platform: &Platform,
    to: &Email,
    letter: &Letter,
    wanted: bool,
) -> Result<(), Error> {
    let message = Message {
        to: to.as_str(),
        subject: &letter.subject,
        text: &letter.text,
        discard: !wanted,
    };
    let url = variable(platform, "runner_url").await?;
    let token = variable(platform, "runner_token").await?;
    let request = Request::post(format!("{}/v1/mail", url.trim_end_matches('/')))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .extension(ConnectTimeout(LIMIT))
        .body(Bytes::from(contracts::to_json(&message)))
        .map_err(unavailable)?;
    let sent = pin!(platform.http.send(request));
    match select(sent, platform.clock.sleep(LIMIT)).await {
        Either::Left((Ok(response), _)) if response.status().is_success() => Ok(()),
        Either::Left((Ok(response), _)) => Err(unavailable(format!(
            "the runner answered {}",
            response.status()
        ))),
        Either::Left((Err(error), _)) => Err(unavailable(error)),
        Either::Right(_) => Err(unavailable("the runner did not answer in time")),
    }
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let detail = "Mail cannot be sent at the moment. Try again later";
    Error::new(ErrorKind::Unavailable, detail).caused_by(cause)
}
