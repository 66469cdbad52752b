//! What can go wrong between a question and the end of its answer.

use std::time::Duration;

/// Why there is no answer, or only a part of one.
///
/// The displayed text may be shown to users. What the server said goes to the log only, by
/// [`Error::detail`]: it can name hosts, accounts and limits that are the operator's business.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address may not be reached from here.
    #[error("the model server's address is not allowed")]
    Denied {
        /// What the host said.
        detail: String,
    },
    /// No connection.
    #[error("the model server cannot be reached")]
    Connect {
        /// What the host said.
        detail: String,
    },
    /// No connection within [`crate::Timeouts::connect`].
    #[error("the model server cannot be reached: connecting timed out")]
    ConnectTimeout,
    /// Nothing of the answer within [`crate::Timeouts::first_token`].
    #[error("the model server did not begin to answer in time")]
    FirstTokenTimeout,
    /// The answer stopped for longer than [`crate::Timeouts::silence`].
    #[error("the model server fell silent in the middle of its answer")]
    SilenceTimeout,
    /// The connection broke before the end of the answer.
    #[error("the connection to the model server broke off")]
    Broken {
        /// What the host said.
        detail: String,
    },
    /// The server refused the request or failed, with an HTTP status.
    #[error("{}", refusal(*.code))]
    Status {
        /// The HTTP status.
        code: u16,
        /// What the server said, shortened, without the key.
        message: String,
        /// When to try again, if the server said so.
        retry_after: Option<Duration>,
    },
    /// The server reported an error inside an answer that began well.
    #[error("the model server reported an error in its answer")]
    InStream {
        /// What the server said, shortened, without the key.
        message: String,
    },
    /// The answer is not of the chat-completions wire.
    #[error("the model server's answer cannot be understood")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// The body ended, in good order as far as HTTP can tell, before the answer did.
    #[error("the model server's answer ended too early")]
    Truncated,
    /// The answer is longer than a limit in [`crate::limits`].
    #[error("the model server's answer is too long")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl Error {
    /// What the log should say besides the displayed text. Not for users.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Denied { detail } | Self::Connect { detail } | Self::Broken { detail } => {
                Some(detail.clone())
            }
            Self::Malformed { detail } => Some(detail.clone()),
            Self::Status { code, message, .. } => Some(format!("{code}: {message}")),
            Self::InStream { message } => Some(message.clone()),
            Self::TooLong { what, limit } => Some(format!("{what}: more than {limit}")),
            Self::ConnectTimeout
            | Self::FirstTokenTimeout
            | Self::SilenceTimeout
            | Self::Truncated => None,
        }
    }

    /// Whether waiting was given up (504) rather than something gone wrong (502).
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout | Self::FirstTokenTimeout | Self::SilenceTimeout
        )
    }

    /// When the server wants to be asked again, if it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// This error with what the server said changed by `change`.
    pub(crate) fn map_message(self, change: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::InStream { message } => Self::InStream {
                message: change(&message),
            },
            Self::Malformed { detail } => Self::Malformed {
                detail: change(&detail),
            },
            other => other,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed {
            detail: detail.into(),
        }
    }
}

impl From<ports::HttpError> for Error {
    fn from(error: ports::HttpError) -> Self {
        use ports::HttpError;
        match error {
            HttpError::Denied(detail) => Self::Denied { detail },
            HttpError::Unreachable(detail) => Self::Connect { detail },
            HttpError::ConnectTimeout => Self::ConnectTimeout,
            HttpError::Broken(detail) => Self::Broken { detail },
        }
    }
}

impl From<crate::sse::TooLong> for Error {
    fn from(error: crate::sse::TooLong) -> Self {
        Self::TooLong {
            what: "a server-sent event",
            limit: error.0,
        }
    }
}

fn refusal(code: u16) -> String {
    match code {
        401 | 403 => format!("the model server refused the key ({code})"),
        404 => "the model server does not know the address or the model (404)".to_owned(),
        429 => "the model server has too much to do (429)".to_owned(),
        500.. => format!("the model server failed ({code})"),
        _ => format!("the model server refused the request ({code})"),
    }
}
