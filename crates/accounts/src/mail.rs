//! Letters on their way: the runner sends them.

use crate::letters::Letter;
use domain::{Email, Error, ErrorKind};
use ports::Platform;
use runner_api::{Client, mail};

/// Hands a letter to the runner, which stores it before it answers. One that is not `wanted`,
/// because there is nobody to send it to, goes the same way up to the mail server and is discarded
/// there, so that nobody can tell by the time it takes.
///
/// # Errors
/// Unavailable when the runner does not take it, whatever its reason: what it says is about the
/// deployment, not for whoever asked for the letter.
pub(crate) async fn send(
    platform: &Platform,
    to: &Email,
    letter: &Letter,
    wanted: bool,
) -> Result<(), Error> {
    let letter = mail::Letter {
        to: to.as_str(),
        subject: &letter.subject,
        text: &letter.text,
        discard: !wanted,
    };
    let sent = Client::new(platform).send_letter(&letter).await;
    sent.map_err(|error| {
        let detail = "Mail cannot be sent at the moment. Try again later";
        Error::new(ErrorKind::Unavailable, detail).caused_by(error)
    })
}
