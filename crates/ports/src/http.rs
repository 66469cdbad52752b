//! Outbound HTTP.

use crate::BoxFuture;
use bytes::Bytes;
use futures::Stream;
use std::{pin::Pin, time::Duration};

/// A response body as it arrives, piece by piece.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, HttpError>> + Send>>;

/// How long establishing the connection may take; put it into the request's extensions.
/// Without it the host's own limit applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectTimeout(pub Duration);

/// Sends requests to other servers. Redirects are not followed.
pub trait Http: Send + Sync {
    /// Sends `request` and resolves when the response's head is there; its body streams.
    /// The URI is absolute. Dropping the future or the body closes the exchange.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>>;
}

/// Why an exchange failed before or while its body was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The component may not reach that address (a missing grant, or a private address).
    #[error("the address is not allowed: {0}")]
    Denied(String),
    /// Name resolution or the connection failed.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The connection was not there within [`ConnectTimeout`].
    #[error("connecting timed out")]
    ConnectTimeout,
    /// The exchange broke after the connection was there: a reset, a malformed answer.
    #[error("the exchange broke off: {0}")]
    Broken(String),
}
