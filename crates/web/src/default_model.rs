//! The model that the operator's variables name: that of the open chat, and of agents that have none
//! of their own.

use crate::settings::variable;
use domain::{Error, ErrorKind};
use llm::{Endpoint, Timeouts};
use ports::Platform;
use std::time::Duration;

/// The model that the operator's variables name.
#[derive(Clone, Debug)]
pub struct DefaultModel {
    /// Where it is, and its name there.
    pub endpoint: Endpoint,
    /// How long it may take.
    pub timeouts: Timeouts,
}

impl DefaultModel {
    /// Reads the variables.
    ///
    /// # Errors
    /// Unavailable when no model is configured, or not rightly.
    pub async fn configured(platform: &Platform) -> Result<Self, Error> {
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
        Ok(Self {
            endpoint,
            timeouts: Timeouts::of_silence(Duration::from_secs(silence)),
        })
    }
}

fn unavailable(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, detail).retry_in(30)
}
