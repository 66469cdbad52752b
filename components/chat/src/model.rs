//! Which model answers, and what its faults mean to the reader.

use domain::{Error, ErrorKind};
use llm::{Endpoint, Timeouts};
use ports::Platform;
use std::time::Duration;
use web::variable;

/// The model that the operator's variables name.
pub(crate) struct Model {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeouts: Timeouts,
}

impl Model {
    /// Reads the variables.
    ///
    /// # Errors
    /// Unavailable when no model is configured, or not rightly.
    pub(crate) async fn configured(platform: &Platform) -> Result<Self, Error> {
        let base_url = variable(platform, "llm_base_url").await?;
        if base_url.is_empty() {
            return Err(unavailable("No model is configured"));
        }
        let api_key = variable(platform, "llm_api_key").await?;
        let model = variable(platform, "llm_model").await?;
        let silence = variable(platform, "llm_silence_timeout").await?;
        let silence = silence.parse().map_err(|error| {
            unavailable("The model is not configured rightly")
                .caused_by(format!("variable `llm_silence_timeout`: {error}"))
        })?;
        let endpoint = Endpoint::parse(&base_url, &api_key, &model)
            .map_err(|error| unavailable("The model is not configured rightly").caused_by(error))?;
        let silence = Duration::from_secs(silence);
        Ok(Self {
            endpoint,
            timeouts: Timeouts {
                silence,
                ..Timeouts::default()
            },
        })
    }
}

fn unavailable(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, detail).retry_in(30)
}

/// The reader's error for a model's fault. What the server said stays in the log.
pub(crate) fn fault(error: &llm::Error) -> Error {
    let kind = match error {
        error if error.is_timeout() => ErrorKind::UpstreamTimeout,
        llm::Error::Denied { .. } | llm::Error::Connect { .. } => ErrorKind::Unavailable,
        llm::Error::Status {
            code: 429 | 503, ..
        } => ErrorKind::Unavailable,
        _ => ErrorKind::Upstream,
    };
    let mut text = error.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let fault = Error::new(kind, text).caused_by(error.detail().unwrap_or_default());
    match (kind, error.retry_after()) {
        (ErrorKind::Unavailable, Some(after)) => {
            fault.retry_in(after.as_secs().clamp(1, 3600).try_into().unwrap_or(60))
        }
        (ErrorKind::Unavailable, None) => fault.retry_in(5),
        _ => fault,
    }
}
