//! Whether an agent can answer, said before a message is taken: better than by a run that fails.

use crate::settings::variable;
use domain::{Error, ErrorKind};
use ports::Platform;
use store::agents::AgentWithModel;

/// Sees that the agent's model can be asked, as far as its rows and the variables tell: keys stay
/// closed.
///
/// # Errors
/// Unavailable where it cannot.
pub async fn model_can_be_asked(platform: &Platform, of: &AgentWithModel) -> Result<(), Error> {
    let missing = match &of.model {
        Some((model, provider)) if model.is_usable(provider) => return Ok(()),
        Some(_) => format!("The model of {} is disabled", of.agent.name),
        None if !variable(platform, "llm_base_url").await?.is_empty() => return Ok(()),
        None => "No model is configured".to_owned(),
    };
    Err(Error::new(ErrorKind::Unavailable, missing).retry_in(30))
}
