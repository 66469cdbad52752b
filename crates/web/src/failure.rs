//! Errors on their way out.

use axum::response::{IntoResponse, Response};
use domain::Error;
use http::StatusCode;
use std::sync::Arc;

/// What a handler returns.
pub type Outcome<T> = Result<T, Failure>;

/// An error on its way to [`crate::serve`], which writes the problem: only there are the path
/// and the contract known.
#[derive(Debug)]
pub struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// The error as a response carries it to [`crate::serve`].
#[derive(Clone)]
pub(crate) struct Carried(pub(crate) Arc<Error>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Carried(Arc::new(self.0)));
        response
    }
}
