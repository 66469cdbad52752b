//! Which backend: the one that is asked for, or the first that works, never none at all.

use crate::backend::{Backend, BackendError};
use std::{str::FromStr, sync::Arc};

/// Which backend the operator wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Docker where an engine answers, else namespaces.
    #[default]
    Auto,
    /// Containers.
    Docker,
    /// Linux namespaces.
    Namespace,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "docker" => Ok(Self::Docker),
            "namespace" => Ok(Self::Namespace),
            other => Err(format!("`{other}` is none of auto, docker, namespace")),
        }
    }
}

/// The backend of that choice. What is not needed is not opened.
///
/// # Errors
/// [`BackendError::Unavailable`] with the reasons of all that were tried.
pub async fn choose(
    choice: Choice,
    docker: impl Future<Output = Result<Arc<dyn Backend>, BackendError>>,
    namespace: impl Future<Output = Result<Arc<dyn Backend>, BackendError>>,
) -> Result<Arc<dyn Backend>, BackendError> {
    match choice {
        Choice::Docker => docker.await,
        Choice::Namespace => namespace.await,
        Choice::Auto => {
            let no_docker = match docker.await {
                Ok(backend) => return Ok(backend),
                Err(error) => whole(&error),
            };
            match namespace.await {
                Ok(backend) => {
                    tracing::info!(reason = no_docker, "sandboxes are made of namespaces");
                    Ok(backend)
                }
                Err(error) => Err(BackendError::Unavailable(format!(
                    "Commands run only in isolation, and there is none to be had. Docker: \
                     {no_docker}. Namespaces: {}",
                    whole(&error)
                ))),
            }
        }
    }
}

fn whole(error: &BackendError) -> String {
    match error {
        BackendError::Unavailable(reason) => reason.clone(),
        BackendError::Failed { doing, source } => format!("{doing}: {source}"),
    }
}
