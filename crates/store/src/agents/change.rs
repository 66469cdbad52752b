//! How agents change and go.

use super::{is_chat_model, written};
use crate::rows::count_of;
use domain::{AgentId, AgentName, AgentType, Availability, Error, ModelId};
use ports::{Sql, Value};

/// New parts of an agent. `None` leaves a part as it is; `Some(None)` empties it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentChange<'a> {
    /// Its name.
    pub name: Option<&'a AgentName>,
    /// What it is for.
    pub agent_type: Option<AgentType>,
    /// What it does, in one line.
    pub title: Option<&'a str>,
    /// The same at length.
    pub description: Option<&'a str>,
    /// The model that it asks.
    pub model: Option<Option<ModelId>>,
    /// What its model is told first.
    pub system_prompt: Option<&'a str>,
    /// How freely its model chooses words.
    pub temperature: Option<Option<f64>>,
    /// The most tokens of one answer.
    pub max_tokens: Option<Option<i64>>,
    /// The names of its tools.
    pub tools: Option<&'a [String]>,
    /// Whether it is used.
    pub status: Option<Availability>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is made.
    Done,
    /// There is no such model, or it is none to chat with.
    NoModel,
    /// Another agent has the name.
    NameTaken,
    /// There is no such agent.
    Gone,
}

/// What became of an agent that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is deleted.
    Deleted,
    /// It is kept and disabled: it is built in, or it has executed something.
    Disabled,
    /// There was no such agent.
    Gone,
}

/// Changes the given parts, all or none.
///
/// # Errors
/// What a failed statement means.
pub async fn update(
    sql: &dyn Sql,
    id: AgentId,
    change: &AgentChange<'_>,
    now: i64,
) -> Result<Changed, Error> {
    const UPDATE: &str = "UPDATE OR IGNORE agents SET \
             name = COALESCE(?2, name), type = COALESCE(?3, type), title = COALESCE(?4, title), \
             description = COALESCE(?5, description), \
             model_id = CASE WHEN ?6 THEN ?7 ELSE model_id END, \
             system_prompt = COALESCE(?8, system_prompt), \
             temperature = CASE WHEN ?9 THEN ?10 ELSE temperature END, \
             max_tokens = CASE WHEN ?11 THEN ?12 ELSE max_tokens END, \
             tools_config = COALESCE(?13, tools_config), status = COALESCE(?14, status), \
             updated_at = ?15 \
         WHERE id = ?1 AND (?7 IS NULL \
             OR EXISTS (SELECT 1 FROM models WHERE models.id = ?7 AND model_type = 'CHAT')) \
         RETURNING id";
    let model = change.model.flatten();
    let parameters: Vec<Value> = vec![
        id.0.into(),
        change.name.map(AgentName::as_str).into(),
        change.agent_type.map(AgentType::as_str).into(),
        change.title.into(),
        change.description.into(),
        i64::from(change.model.is_some()).into(),
        model.map(|id| id.0).into(),
        change.system_prompt.into(),
        i64::from(change.temperature.is_some()).into(),
        change.temperature.flatten().into(),
        i64::from(change.max_tokens.is_some()).into(),
        change.max_tokens.flatten().into(),
        change.tools.map(written).transpose()?.into(),
        change.status.map(Availability::as_str).into(),
        now.into(),
    ];
    if count_of(sql, UPDATE, parameters).await? > 0 {
        return Ok(Changed::Done);
    }
    const EXISTS: &str = "SELECT 1 FROM agents WHERE id = ?1";
    if count_of(sql, EXISTS, vec![id.0.into()]).await? == 0 {
        return Ok(Changed::Gone);
    }
    Ok(match is_chat_model(sql, model).await? {
        true => Changed::NameTaken,
        false => Changed::NoModel,
    })
}

/// Deletes an agent that has no history and is not built in; any other is disabled.
///
/// # Errors
/// What a failed statement means.
pub async fn remove(sql: &dyn Sql, id: AgentId, now: i64) -> Result<Removed, Error> {
    const DELETE: &str = "DELETE FROM agents WHERE id = ?1 AND built_in = 0 AND NOT EXISTS \
         (SELECT 1 FROM executions WHERE agent_id = ?1) RETURNING id";
    const DISABLE: &str = "UPDATE agents SET status = 'DISABLED', updated_at = ?2 \
         WHERE id = ?1 RETURNING id";
    if count_of(sql, DELETE, vec![id.0.into()]).await? > 0 {
        return Ok(Removed::Deleted);
    }
    Ok(
        match count_of(sql, DISABLE, vec![id.0.into(), now.into()]).await? {
            0 => Removed::Gone,
            _ => Removed::Disabled,
        },
    )
}
