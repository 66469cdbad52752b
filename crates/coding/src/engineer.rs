//! Who answers in coding sessions.

use crate::Setup;
use domain::{AgentType, Error, ErrorKind, SessionId};
use ports::{Platform, Sql};
use store::agents::{AgentWithModel, active_by_type};
use web::model_can_be_asked;

/// The one who is built in for it.
const NAME: &str = "Alex";

/// The agent of coding sessions, if there is one: the active specialist of that name, else the first
/// who can change files.
///
/// # Errors
/// What a failed statement means.
pub async fn engineer(sql: &dyn Sql) -> Result<Option<AgentWithModel>, Error> {
    let specialists = active_by_type(sql, AgentType::Specialist).await?;
    let named = |one: &&AgentWithModel| one.agent.name.eq_ignore_ascii_case(NAME);
    let able = |one: &&AgentWithModel| one.agent.tools.iter().any(|tool| tool == "apply_patch");
    let found = specialists.iter().find(named);
    Ok(found.or_else(|| specialists.iter().find(able)).cloned())
}

/// Nobody is there to answer.
#[must_use]
pub fn nobody() -> Error {
    let detail = "No agent is there to answer. An administrator has to activate one";
    Error::new(ErrorKind::Unavailable, detail).retry_in(60)
}

/// The name of the agent who is to answer in a coding session, with the model that it asks there.
/// Better said before a message is stored than by a turn that fails.
///
/// # Errors
/// Unavailable when there is nobody, or nothing to ask; invalid where a local model is asked for and
/// there is none.
pub async fn answering(platform: &Platform, session: SessionId) -> Result<String, Error> {
    let setup = Setup::of(platform, session).await?;
    let engineer = engineer(&*platform.sql).await?.ok_or_else(nobody)?;
    if setup.choice.model.is_none() {
        model_can_be_asked(platform, &engineer).await?;
    }
    Ok(engineer.agent.name)
}
