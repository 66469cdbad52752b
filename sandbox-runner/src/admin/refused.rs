//! What a handler of the runner's own interface refuses, on its way to becoming a problem.

use super::problem;
use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sandbox::{projects::NoProject, registry::SandboxError};
use sandbox_files::{FileError, PathError};
use std::{borrow::Cow, error::Error as StdError};

/// After how many seconds what is not there may be asked for again, unless something else is said.
const SOON: u32 = 5;

/// A refusal. Its sentence is fit for the person who asked; causes go to the log.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    detail: Cow<'static, str>,
    /// After how many seconds it may be asked again, where that is said.
    again_in: Option<u32>,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            again_in: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(SOON),
        }
    }

    /// The same, which says that it may be asked again after so many seconds.
    pub(crate) fn again_in(self, seconds: u32) -> Self {
        Self {
            again_in: Some(seconds),
            ..self
        }
    }

    /// Whether something that is needed is not there.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// What is said about it.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Our fault. The log has the cause.
    pub(crate) fn internal(error: &(dyn StdError + 'static)) -> Self {
        tracing::error!(error, "a request of the edge failed");
        let detail = "Something went wrong on our side";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

impl IntoResponse for Refused {
    /// Without a body: [`name_instance`] writes it, who knows what was asked for.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes problems of refusals.
pub(super) async fn name_instance(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(refused) = response.extensions_mut().remove::<Refused>() else {
        return response;
    };
    let mut response = problem::refused(refused.status, &refused.detail, &path);
    if let Some(seconds) = refused.again_in {
        let wait = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

impl From<PathError> for Refused {
    fn from(error: PathError) -> Self {
        FileError::from(error).into()
    }
}

impl From<FileError> for Refused {
    fn from(error: FileError) -> Self {
        let status = StatusCode::from_u16(error.kind().status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            return Self::internal(&error);
        }
        Self::new(status, sentence(&error.to_string()))
    }
}

impl From<NoProject> for Refused {
    fn from(error: NoProject) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("The folder {error}"))
    }
}

impl From<SandboxError> for Refused {
    fn from(error: SandboxError) -> Self {
        let status = match &error {
            SandboxError::NotFound => StatusCode::NOT_FOUND,
            SandboxError::LimitReached { .. } => StatusCode::CONFLICT,
            SandboxError::NetworkNotAllowed => StatusCode::FORBIDDEN,
            SandboxError::NoProject(_) => StatusCode::BAD_REQUEST,
            SandboxError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            SandboxError::QuotaExceeded { .. } => StatusCode::INSUFFICIENT_STORAGE,
            SandboxError::Failed { .. } => return Self::internal(&error),
        };
        Self::new(status, sentence(&error.to_string()))
    }
}

/// With a capital in front.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
