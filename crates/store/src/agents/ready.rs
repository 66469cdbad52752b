//! Agents with all that it takes to let them work, in one statement each.

use super::{COLUMNS, agent_columns, read};
use crate::{
    models::{self, MODEL_COLUMNS, model_columns},
    providers::{self, provider_columns},
    rows::{all, first},
};
use domain::{Agent, AgentType, Error, Model, Provider};
use ports::{Row, Sql, SqlError};

/// How many agents [`active_by_type`] gives at most.
pub const TEAM_MOST: i64 = 64;

/// A `SELECT` of agents with their models and the providers of those.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            agent_columns!(),
            ", ",
            model_columns!(),
            ", ",
            provider_columns!(),
            " FROM agents LEFT JOIN models ON models.id = agents.model_id \
             LEFT JOIN providers ON providers.id = models.provider_id WHERE ",
            $rest
        )
    };
}

/// An agent, and the model that it asks.
///
/// That the model or its provider is disabled does not mean that another one answers instead: ask
/// [`Model::is_usable`], and tell whoever waits.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentWithModel {
    /// The agent.
    pub agent: Agent,
    /// The model and who serves it; none where the agent asks the default model of the
    /// operator's variables.
    pub model: Option<(Model, Provider)>,
}

/// The active agents of a type, those made first first; at most [`TEAM_MOST`].
///
/// # Errors
/// What a failed statement means.
pub async fn active_by_type(
    sql: &dyn Sql,
    agent_type: AgentType,
) -> Result<Vec<AgentWithModel>, Error> {
    const SELECT: &str =
        select!("agents.type = ?1 AND agents.status = 'ACTIVE' ORDER BY agents.id LIMIT ?2");
    let parameters = vec![agent_type.as_str().into(), TEAM_MOST.into()];
    all(sql, SELECT, parameters, read_with_model).await
}

/// The agent of that name, in whatever case it is written, active or not.
///
/// # Errors
/// What a failed statement means.
pub async fn by_name(sql: &dyn Sql, name: &str) -> Result<Option<AgentWithModel>, Error> {
    let select = select!("agents.name = ?1");
    first(sql, select, vec![name.into()], read_with_model).await
}

fn read_with_model(row: &Row) -> Result<AgentWithModel, SqlError> {
    let agent = read(row)?;
    let model = match agent.model_id {
        None => None,
        Some(_) => {
            let model = models::read_at(row, COLUMNS)?;
            let provider = providers::read_at(row, COLUMNS + MODEL_COLUMNS)?;
            Some((model, provider))
        }
    };
    Ok(AgentWithModel { agent, model })
}
