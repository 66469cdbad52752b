//! Errors on their way out.

use axum::response::{IntoResponse, Response};
use contracts::Contract;
use domain::Error;
use http::StatusCode;
use std::sync::Arc;

/// What a handler returns.
pub type Outcome<T> = Result<T, Failure>;

/// An error on its way to [`crate::serve`], which writes the problem: only there are the path
/// and, unless the failure says so itself, the contract known.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    contract: Option<Contract>,
    instance: Option<String>,
}

impl Failure {
    /// An error in the words of `contract`, for a path that several contracts share: there the
    /// request says who answers, not the path. It also takes what an extractor refused.
    pub fn of(contract: Contract, failure: impl Into<Self>) -> Self {
        Self {
            contract: Some(contract),
            ..failure.into()
        }
    }

    /// The same about the request for `path`, which somebody else made and we are asked about.
    #[must_use]
    pub fn about(mut self, path: impl Into<String>) -> Self {
        self.instance = Some(path.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            contract: None,
            instance: None,
        }
    }
}

/// The error as a response carries it to [`crate::serve`].
#[derive(Clone)]
pub(crate) struct Carried {
    pub(crate) error: Arc<Error>,
    pub(crate) contract: Option<Contract>,
    pub(crate) instance: Option<String>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self {
            error,
            contract,
            instance,
        } = self;
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        let error = Arc::new(error);
        response.extensions_mut().insert(Carried {
            error,
            contract,
            instance,
        });
        response
    }
}
