//! Why a ComfyUI server could not be asked, and what the caller can do about it.

use crate::{limits, report::Refusal};

/// A ComfyUI server could not be asked, or refused. The displayed text is fit for users and says
/// nothing of addresses; [`Error::detail`] is for the log.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The platform does not let us connect there: the operator allows the address, or not.
    #[error("the ComfyUI service's address is not allowed")]
    Denied {
        /// What the platform said.
        detail: String,
    },
    /// No connection: try again later.
    #[error("the ComfyUI service cannot be reached")]
    Connect {
        /// What the platform said.
        detail: String,
    },
    /// The connection was not there in time: try again later.
    #[error("the ComfyUI service did not accept a connection in time")]
    ConnectTimeout,
    /// The answer was not there in time: try again later.
    #[error("the ComfyUI service did not answer in time")]
    Timeout,
    /// The connection broke. Whether the request was carried out is unknown.
    #[error("the connection to the ComfyUI service broke off")]
    Broken {
        /// What the platform said.
        detail: String,
    },
    /// The server does not run the prompt: change it as the problems say.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Any other status. A redirect is one as well: redirects are not followed.
    #[error("{}", status(*.code))]
    Status {
        /// The status.
        code: u16,
        /// What the server said, shortened.
        message: String,
    },
    /// The answer is not what a ComfyUI server sends: something else listens there.
    #[error("the service's answer is not one of ComfyUI")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// The answer, or what was to be sent, is over a limit in [`crate::limits`].
    #[error("{what} is over {limit} bytes")]
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
            Self::Denied { detail }
            | Self::Connect { detail }
            | Self::Broken { detail }
            | Self::Malformed { detail } => Some(detail.clone()),
            Self::Status { code, message } => Some(format!("{code}: {message}")),
            Self::ConnectTimeout | Self::Timeout | Self::Refused(_) | Self::TooLong { .. } => None,
        }
    }

    /// Whether waiting was given up (504) rather than something gone wrong (502).
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::Timeout)
    }

    pub(crate) fn malformed(detail: impl AsRef<str>) -> Self {
        Self::Malformed {
            detail: shorten(detail.as_ref()),
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

/// One line of at most [`limits::DETAIL`] characters.
pub(crate) fn shorten(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ")
        .chars()
        .filter(|character| !character.is_control())
        .take(limits::DETAIL)
        .collect()
}

fn status(code: u16) -> String {
    match code {
        300..=399 => format!("the ComfyUI service answers with a redirect ({code})"),
        401 | 403 => format!("the ComfyUI service refuses access ({code})"),
        404 => "the ComfyUI service has no such thing (404)".to_owned(),
        500.. => format!("the ComfyUI service failed ({code})"),
        _ => format!("the ComfyUI service refused the request ({code})"),
    }
}
