//! Why something is not done to a workflow.

use domain::{Error, ErrorKind, WorkflowId};
use store::workflows::{Changed, Inserted};

pub(super) fn unknown() -> Error {
    Error::not_found("Workflow not found")
}

pub(super) fn no_version() -> Error {
    Error::not_found("The workflow has no such version, or no more")
}

fn no_service() -> Error {
    Error::invalid_field("serviceId", "is no service")
}

fn full() -> Error {
    let detail = "Your workflows have reached their limit. Delete some first";
    Error::new(ErrorKind::InsufficientStorage, detail)
}

pub(super) fn locked(reason: &str) -> Error {
    let detail = match reason {
        "" => "The workflow is locked".to_owned(),
        reason => format!("The workflow is locked: {reason}"),
    };
    Error::new(ErrorKind::Conflict, detail)
}

/// The number of a new workflow, or why there is none.
pub(super) fn id_of(inserted: Inserted) -> Result<WorkflowId, Error> {
    Err(match inserted {
        Inserted::Done(id) => return Ok(id),
        Inserted::NoService => no_service(),
        Inserted::Full => full(),
        Inserted::NoUser => Error::not_found("User not found"),
    })
}

/// The version that a change made, or why it made none.
pub(super) fn version_of(changed: Changed) -> Result<i64, Error> {
    Err(match changed {
        Changed::Done(version) => return Ok(version),
        Changed::NoService => no_service(),
        Changed::NoVersion => no_version(),
        Changed::Locked(reason) => locked(&reason),
        Changed::Overtaken(newest) => {
            let detail = format!("The newest version is {newest} by now. Look at it first");
            Error::new(ErrorKind::Conflict, detail)
        }
        Changed::Full => full(),
        Changed::Gone => unknown(),
    })
}
