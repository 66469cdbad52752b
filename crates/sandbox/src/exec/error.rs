//! Why a command could not be run or followed.

use crate::control::ControlError;
use sandbox_init::protocol::Fault;
use std::io;

/// Why a command could not be run or followed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The request breaks a rule. The text names it.
    #[error("{0}")]
    Invalid(String),
    /// The working directory is not there.
    #[error("{0}")]
    Directory(String),
    /// There is no such command.
    #[error("There is no such command")]
    NotFound,
    /// There are as many commands or processes as there may be.
    #[error("{0}")]
    Busy(String),
    /// Nobody listens on that port.
    #[error("{0}")]
    Unreachable(String),
    /// The sandbox does not run any longer.
    #[error("The sandbox is gone")]
    Gone(#[source] ControlError),
    /// It was killed and does not end: the sandbox is to be restarted.
    #[error("The command cannot be killed")]
    Unkillable,
    /// The runner could not do its part.
    #[error("The command could not be followed")]
    Io(#[from] io::Error),
    /// Init could not do it.
    #[error("The command could not be run: {0}")]
    Failed(String),
}

impl From<ControlError> for ExecError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused { fault, detail } => match fault {
                Fault::Invalid => Self::Invalid(detail),
                Fault::NotFound => Self::NotFound,
                Fault::Directory => Self::Directory(detail),
                Fault::Busy => Self::Busy(detail),
                Fault::Unreachable => Self::Unreachable(detail),
                Fault::Failed => Self::Failed(detail),
            },
            ControlError::TooLong => {
                Self::Invalid("The command and its variables are too long".to_owned())
            }
            ControlError::Nonsense => Self::Failed(error.to_string()),
            ControlError::Gone(_) | ControlError::Broken => Self::Gone(error),
        }
    }
}
