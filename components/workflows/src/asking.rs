//! Services as they are asked.

use comfyui::{Client, Timeouts};
use domain::{Error, ErrorKind, Service};
use ports::Platform;
use std::sync::Arc;

/// A client of `service`. Whether its address may be connected to is seen where the connection is
/// made.
pub(crate) fn client(
    platform: &Platform,
    service: &Service,
    timeouts: Timeouts,
) -> Result<Client, Error> {
    let base_url = service.url.parse().map_err(Error::internal)?;
    let (http, clock) = (Arc::clone(&platform.http), Arc::clone(&platform.clock));
    Ok(Client::new(http, clock, base_url, timeouts))
}

/// What a service's failure means to whoever waits for it.
#[allow(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(crate) fn failed(error: comfyui::Error) -> Error {
    let kind = match error.is_timeout() {
        true => ErrorKind::UpstreamTimeout,
        false => ErrorKind::Upstream,
    };
    let failed = Error::new(kind, capital(&error.to_string()));
    match error.detail() {
        Some(detail) => failed.caused_by(detail),
        None => failed,
    }
}

/// The same as a sentence begins.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
