//! Agents.

use axum::extract::State;
use contracts::{
    Change,
    studio::{
        Changed,
        agents::{
            AgentCreate, AgentDetails, AgentRemoved, AgentSummary, AgentUpdate, NewAgent,
            ToolsConfig,
        },
    },
};
use domain::{AgentId, AgentName, AgentType, Availability, Error, ErrorKind, ModelId};
use ports::Platform;
use store::agents::{self as stored, AgentFilter, Inserted, Removed};
use web::{
    Administrator, AdministratorBody, Envelope, Id, Outcome, PagedEnvelope, Parameters, filter,
    new_uuid, parsed, window,
};

pub(crate) async fn create(
    State(platform): State<Platform>,
    AdministratorBody(body): AdministratorBody<AgentCreate>,
) -> Outcome<Envelope<NewAgent>> {
    let name = parsed("name", AgentName::parse(&body.name))?;
    let status = optional("status", body.status.as_deref(), Availability::parse)?;
    let tools = body.tools_config.as_ref().map(ToolsConfig::names);
    let new = stored::NewAgent {
        uuid: new_uuid(&platform),
        name: &name,
        agent_type: parsed("type", AgentType::parse(&body.agent_type))?,
        title: body.title.as_deref().unwrap_or_default().trim(),
        description: body.description.as_deref().unwrap_or_default(),
        model: body.model_id.map(ModelId),
        system_prompt: body.system_prompt.as_deref().unwrap_or_default(),
        temperature: body.temperature,
        max_tokens: body.max_tokens,
        tools: tools.as_deref().unwrap_or_default(),
        status: status.unwrap_or(Availability::Active),
        now: platform.clock.now(),
    };
    match stored::insert(&*platform.sql, &new).await? {
        Inserted::Done(agent) => Ok(Envelope(NewAgent::from(*agent))),
        Inserted::NoModel => Err(no_model().into()),
        Inserted::NameTaken => Err(name_taken().into()),
    }
}

pub(crate) async fn list(
    State(platform): State<Platform>,
    _: Administrator,
    query: Parameters,
) -> Outcome<PagedEnvelope<AgentSummary>> {
    let only = AgentFilter {
        agent_type: filter(&query, "type", AgentType::parse)?,
        status: filter(&query, "status", Availability::parse)?,
    };
    let listed = stored::list(&*platform.sql, only, window(&query)?).await?;
    let items = listed.items.into_iter();
    Ok(PagedEnvelope {
        items: items
            .map(|listed| AgentSummary::of(listed.agent, listed.model_name))
            .collect(),
        total: listed.total,
    })
}

pub(crate) async fn show(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<AgentDetails>> {
    let found = stored::find(&*platform.sql, AgentId(id)).await?;
    let found = found.ok_or_else(unknown)?;
    Ok(Envelope(AgentDetails::of(found.agent, found.model_name)))
}

pub(crate) async fn change(
    State(platform): State<Platform>,
    Id(id): Id,
    AdministratorBody(body): AdministratorBody<AgentUpdate>,
) -> Outcome<Envelope<Changed>> {
    let name = optional("name", body.name.as_deref(), AgentName::parse)?;
    let tools = body.tools_config.as_ref().map(ToolsConfig::names);
    let change = stored::AgentChange {
        name: name.as_ref(),
        agent_type: optional("type", body.agent_type.as_deref(), AgentType::parse)?,
        title: body.title.as_deref().map(str::trim),
        description: body.description.as_deref(),
        model: part(&body.model_id).map(|model| model.map(ModelId)),
        system_prompt: body.system_prompt.as_deref(),
        temperature: part(&body.temperature),
        max_tokens: part(&body.max_tokens),
        tools: tools.as_deref(),
        status: optional("status", body.status.as_deref(), Availability::parse)?,
    };
    let now = platform.clock.now();
    match stored::update(&*platform.sql, AgentId(id), &change, now).await? {
        stored::Changed::Done => Ok(Envelope(Changed::of(None))),
        stored::Changed::NoModel => Err(no_model().into()),
        stored::Changed::NameTaken => Err(name_taken().into()),
        stored::Changed::Gone => Err(unknown().into()),
    }
}

pub(crate) async fn delete(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<AgentRemoved>> {
    let removed = stored::remove(&*platform.sql, AgentId(id), platform.clock.now()).await?;
    let deleted = match removed {
        Removed::Deleted => true,
        Removed::Disabled => false,
        Removed::Gone => return Err(unknown().into()),
    };
    Ok(Envelope(AgentRemoved {
        success: true,
        deleted,
    }))
}

/// What an optional member was parsed to.
pub(crate) fn optional<T>(
    field: &str,
    text: Option<&str>,
    parse: fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Error> {
    parsed(field, text.map(parse).transpose())
}

/// What a member changes: `None` nothing, `Some(None)` empties it.
pub(crate) fn part<T: Copy>(change: &Change<T>) -> Option<Option<T>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(*value)),
    }
}

pub(crate) fn unknown() -> Error {
    Error::not_found("Agent not found")
}

fn no_model() -> Error {
    Error::invalid_field("modelId", "is no model of type CHAT")
}

fn name_taken() -> Error {
    Error::new(ErrorKind::Conflict, "Another agent has this name")
}
