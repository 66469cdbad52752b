//! Why a socket or a stream ends, and how it is said.

use rooms::Closed;
use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Error,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Why a socket or a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// The client left, or its connection broke.
    Left,
    /// The runner stops.
    Stopping,
    /// The client broke the protocol.
    Protocol,
    /// The client sent what is no text.
    NotText,
    /// The client sent text that is not UTF-8.
    NotUtf8,
    /// The client sent too much.
    Abuse,
    /// The client sent something too large.
    TooLarge,
    /// Kept events cannot be read.
    Failed,
    /// The client read too slowly, or gave no sign of life.
    Slow,
    /// The login has not been checked for too long.
    Unchecked,
    /// The login ended.
    LoginEnded,
    /// The token's time is over.
    Expired,
    /// The session was deleted.
    Deleted,
}

impl Goodbye {
    /// The close code: RFC 6455's, or one from 4000 on.
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Left => 1000,
            Self::Stopping => 1001,
            Self::Protocol => 1002,
            Self::NotText => 1003,
            Self::NotUtf8 => 1007,
            Self::Abuse => 1008,
            Self::TooLarge => 1009,
            Self::Failed => 1011,
            Self::Slow | Self::Unchecked => 1013,
            Self::LoginEnded | Self::Expired => 4001,
            Self::Deleted => 4004,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Left => "",
            Self::Stopping => "the service restarts",
            Self::Protocol => "the protocol was broken",
            Self::NotText => "only text is understood",
            Self::NotUtf8 => "the text is not UTF-8",
            Self::Abuse => "too many messages",
            Self::TooLarge => "the message is too large",
            Self::Failed => "events cannot be read",
            Self::Slow => "reading too slowly",
            Self::Unchecked => "the login cannot be checked",
            Self::LoginEnded => "the login ended",
            Self::Expired => "the token has expired",
            Self::Deleted => "the session was deleted",
        }
    }

    pub(super) fn frame(self) -> CloseFrame {
        CloseFrame {
            code: CloseCode::from(self.code()),
            reason: self.reason().into(),
        }
    }

    /// The same as the last event of a stream.
    pub(super) fn event(self) -> String {
        let data = json!({ "code": self.code(), "reason": self.reason() });
        format!("event: closed\ndata: {data}\n\n")
    }
}

impl From<Closed> for Goodbye {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Deleted => Self::Deleted,
            Closed::Stopping => Self::Stopping,
            Closed::Slow => Self::Slow,
            Closed::Failed => Self::Failed,
        }
    }
}

impl From<&Error> for Goodbye {
    fn from(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::TooLarge,
            Error::Utf8(_) => Self::NotUtf8,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Left,
            Error::Protocol(_) => Self::Protocol,
            _ => Self::Left,
        }
    }
}
