//! Errors of the runner's own interface.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use contracts::{Contract, PROBLEM_JSON, Problem};

/// A problem about the request for `path`.
pub(super) fn refused(status: StatusCode, detail: &str, path: &str) -> Response {
    // The interface belongs to none of the documented contracts; runtime adds no members.
    let problem = Problem::new(Contract::Runtime, status.as_u16(), detail, path);
    // A problem is text and numbers: writing it cannot fail.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response()
}
