//! What a failed statement means to the caller of an operation.

use domain::{Error, ErrorKind};
use ports::SqlError;

/// The domain's error for a failed statement.
pub(crate) fn failure(error: SqlError) -> Error {
    match error {
        SqlError::Busy => Error::new(ErrorKind::Unavailable, "The database is busy")
            .retry_in(1)
            .caused_by(error),
        SqlError::Full => Error::new(ErrorKind::Unavailable, "The database is full")
            .retry_in(60)
            .caused_by(error),
        SqlError::Shape { .. } | SqlError::Failed(_) => Error::internal(error),
    }
}
