//! Why a sandbox could not be had, and what the person who asked can do about it.

use crate::{backend::BackendError, projects::NoProject};
use std::{error::Error, sync::Arc};

/// An operation on a sandbox failed. The text is fit for the person who asked.
///
/// It can be cloned, because all who wait for one start learn why it failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SandboxError {
    /// The session has none: launch one.
    #[error("The session has no sandbox. Launch one first")]
    NotFound,
    /// There are as many as there may be: destroy one, or wait.
    #[error("{whose} {limit} sandboxes, and more are not allowed. Destroy one that is not needed")]
    LimitReached {
        /// Whose limit it is: `You have`, or `The runner has`.
        whose: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The operator lets no sandbox have the network.
    #[error("Sandboxes have no network here. The operator can allow it (RUNNER_SANDBOX_NETWORK)")]
    NetworkNotAllowed,
    /// The folder of the host that was asked for may not be a workspace.
    #[error("The project {0}")]
    NoProject(#[from] NoProject),
    /// No backend can make one now. The reason says what would help.
    #[error("Sandboxes are not available: {reason}")]
    Unavailable {
        /// Why, and what would help.
        reason: String,
    },
    /// Its workspace, or the host's disk, is full: delete files.
    #[error("{detail}")]
    QuotaExceeded {
        /// What is full, and how full it is.
        detail: String,
    },
    /// Our fault, or the machine's. The cause is for the log.
    #[error("The sandbox failed while {doing}")]
    Failed {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl SandboxError {
    pub(super) fn failed(doing: &str) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let doing = doing.to_owned();
        move |source| Self::Failed {
            doing,
            source: Arc::new(source),
        }
    }
}

impl From<BackendError> for SandboxError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Unavailable(reason) => Self::Unavailable { reason },
            BackendError::Failed { doing, source } => Self::Failed {
                doing,
                source: source.into(),
            },
        }
    }
}
