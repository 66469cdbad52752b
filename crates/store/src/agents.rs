//! Agents.

mod change;
mod ready;

pub use change::{AgentChange, Changed, Removed, remove, update};
pub use ready::{AgentWithModel, TEAM_MOST, active_by_type, by_name};

use crate::{
    Listed, Window,
    listed::listed,
    rows::{count_of, first, flag, known, uuid},
};
use domain::{Agent, AgentId, AgentName, AgentType, Availability, Error, ModelId, Timestamp};
use ports::{Row, Sql, SqlError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What [`read`] reads.
macro_rules! agent_columns {
    () => {
        "agents.id, agents.uuid, agents.name, agents.type, agents.title, agents.description, \
         agents.model_id, agents.system_prompt, agents.temperature, agents.max_tokens, \
         agents.tools_config, agents.status, agents.built_in, agents.created_at, \
         agents.updated_at"
    };
}
pub(crate) use agent_columns;

/// How many columns [`read`] reads.
const COLUMNS: usize = 15;

/// A `SELECT` of agents and their models' names.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            agent_columns!(),
            ", models.name FROM agents LEFT JOIN models ON models.id = agents.model_id WHERE ",
            $rest
        )
    };
}

/// An agent, and what its model is called.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedAgent {
    /// The agent.
    pub agent: Agent,
    /// Its model's name; none where it asks the default model.
    pub model_name: Option<String>,
}

/// Which agents a list shows; what is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentFilter {
    /// Of this type.
    pub agent_type: Option<AgentType>,
    /// Of this status.
    pub status: Option<Availability>,
}

/// An agent that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewAgent<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Its name.
    pub name: &'a AgentName,
    /// What it is for.
    pub agent_type: AgentType,
    /// What it does, in one line.
    pub title: &'a str,
    /// The same at length.
    pub description: &'a str,
    /// The model that it asks.
    pub model: Option<ModelId>,
    /// What its model is told first.
    pub system_prompt: &'a str,
    /// How freely its model chooses words.
    pub temperature: Option<f64>,
    /// The most tokens of one answer.
    pub max_tokens: Option<i64>,
    /// The names of its tools.
    pub tools: &'a [String],
    /// Whether it is used.
    pub status: Availability,
    /// When it is made.
    pub now: i64,
}

/// What became of a new agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// It is there.
    Done(Box<Agent>),
    /// There is no such model, or it is none to chat with.
    NoModel,
    /// Another agent has the name.
    NameTaken,
}

/// Stores an agent.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, new: &NewAgent<'_>) -> Result<Inserted, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO agents (uuid, name, type, title, description, model_id, system_prompt, \
             temperature, max_tokens, tools_config, status, created_at, updated_at) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12 \
         WHERE ?6 IS NULL \
             OR EXISTS (SELECT 1 FROM models WHERE models.id = ?6 AND model_type = 'CHAT') \
         ON CONFLICT (name) DO NOTHING RETURNING ",
        agent_columns!()
    );
    let parameters = vec![
        new.uuid.to_string().into(),
        new.name.as_str().into(),
        new.agent_type.as_str().into(),
        new.title.into(),
        new.description.into(),
        new.model.map(|id| id.0).into(),
        new.system_prompt.into(),
        new.temperature.into(),
        new.max_tokens.into(),
        written(new.tools)?.into(),
        new.status.as_str().into(),
        new.now.into(),
    ];
    match first(sql, INSERT, parameters, read).await? {
        Some(agent) => Ok(Inserted::Done(Box::new(agent))),
        None if is_chat_model(sql, new.model).await? => Ok(Inserted::NameTaken),
        None => Ok(Inserted::NoModel),
    }
}

/// Whether an agent may ask that model; the default model it may.
async fn is_chat_model(sql: &dyn Sql, model: Option<ModelId>) -> Result<bool, Error> {
    const SELECT: &str = "SELECT 1 FROM models WHERE id = ?1 AND model_type = 'CHAT'";
    let Some(model) = model else {
        return Ok(true);
    };
    Ok(count_of(sql, SELECT, vec![model.0.into()]).await? > 0)
}

/// The agent of that number.
///
/// # Errors
/// What a failed statement means.
pub async fn find(sql: &dyn Sql, id: AgentId) -> Result<Option<ListedAgent>, Error> {
    first(
        sql,
        select!("agents.id = ?1"),
        vec![id.0.into()],
        read_listed,
    )
    .await
}

/// The agents that `filter` lets through, in the order in which they were made.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    filter: AgentFilter,
    window: Window,
) -> Result<Listed<ListedAgent>, Error> {
    const STATEMENTS: (&str, &str) = (
        "SELECT COUNT(*) FROM agents WHERE (?1 IS NULL OR type = ?1) \
             AND (?2 IS NULL OR status = ?2)",
        select!(
            "(?1 IS NULL OR agents.type = ?1) AND (?2 IS NULL OR agents.status = ?2) \
             ORDER BY agents.id LIMIT ?3 OFFSET ?4"
        ),
    );
    let parameters = vec![
        filter.agent_type.map(AgentType::as_str).into(),
        filter.status.map(Availability::as_str).into(),
    ];
    listed(sql, STATEMENTS, parameters, window, read_listed).await
}

fn read_listed(row: &Row) -> Result<ListedAgent, SqlError> {
    Ok(ListedAgent {
        agent: read(row)?,
        model_name: row.get(COLUMNS)?,
    })
}

pub(crate) fn read(row: &Row) -> Result<Agent, SqlError> {
    Ok(Agent {
        id: AgentId(row.get(0)?),
        uuid: uuid(row, 1)?,
        name: row.get(2)?,
        agent_type: known(row, 3, |text| AgentType::parse(text).ok())?,
        title: row.get(4)?,
        description: row.get(5)?,
        model_id: row.get::<Option<i64>>(6)?.map(ModelId),
        system_prompt: row.get(7)?,
        temperature: row.get(8)?,
        max_tokens: row.get(9)?,
        tools: known(row, 10, tools)?,
        status: known(row, 11, |text| Availability::parse(text).ok())?,
        built_in: flag(row, 12)?,
        created_at: Timestamp(row.get(13)?),
        updated_at: Timestamp(row.get(14)?),
    })
}

/// The column `tools_config`.
#[derive(Serialize, Deserialize)]
struct ToolsConfig<T> {
    tools: T,
}

fn tools(text: &str) -> Option<Vec<String>> {
    let config: ToolsConfig<_> = serde_json::from_str(text).ok()?;
    Some(config.tools)
}

fn written(tools: &[String]) -> Result<String, Error> {
    serde_json::to_string(&ToolsConfig { tools }).map_err(Error::internal)
}
