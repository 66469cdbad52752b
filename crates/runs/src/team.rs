//! Who works on a run: agents as the administrators set them up, each with its model.

use crate::{Toolbox, gate::ProviderGate};
use agent::{Agent, Model, Prices, Team, addressed, may_address};
use domain::{AgentId, AgentType, Error, ErrorKind, Session, SessionKind};
use llm::Endpoint;
use ports::Platform;
use std::collections::BTreeMap;
use store::{
    agents::{AgentWithModel, active_by_type},
    runs::StoredRun,
};
use web::{DefaultModel, limits, model_can_be_asked, open_provider_key};

/// The tokens that fit into a model's question and answer, where nobody said.
const WINDOW: u64 = 128_000;

/// The most answers of an agent in one turn or assignment.
const STEPS: u32 = 50;

/// A team, and the numbers of its agents by name.
pub(super) struct Staff {
    pub(super) team: Team,
    pub(super) numbers: BTreeMap<String, AgentId>,
}

/// The name of the agent who is to answer `text` in a session.
///
/// # Errors
/// Unavailable when there is nobody, or that agent's model cannot be asked.
pub(super) async fn addressee(
    platform: &Platform,
    session: &Session,
    text: &str,
) -> Result<String, Error> {
    if session.kind == SessionKind::Codex {
        return coding::answering(platform, session.id).await;
    }
    // The others are needed only where one of them may be meant.
    let members = match may_address(text) {
        true => members(platform, session.kind).await?,
        false => Vec::from_iter(first(platform, session.kind).await?),
    };
    let names = members.iter().map(|member| member.agent.name.as_str());
    let name = addressed(text, names);
    let mut candidates = members.iter();
    let member = match name {
        Some(name) => candidates.find(|member| member.agent.name == name),
        None => candidates.next(),
    };
    let member = member.ok_or_else(coding::nobody)?;
    model_can_be_asked(platform, member).await?;
    Ok(member.agent.name.clone())
}

/// Who works on `run`. Those whose model cannot be asked are left out; it may be that nobody is
/// left.
///
/// # Errors
/// What a failed statement means.
pub(super) async fn of(
    platform: &Platform,
    run: &StoredRun,
    toolbox: &dyn Toolbox,
) -> Result<Staff, Error> {
    let (mut agents, mut numbers) = (Vec::new(), BTreeMap::new());
    for mut member in members(platform, run.session_kind).await? {
        if let Some(instead) = toolbox.model() {
            member.model = Some(instead.clone());
        }
        let mut model = match model(platform, &member).await {
            Ok(model) => model,
            Err(error) => {
                eprintln!("agent {}: {error}", member.agent.name);
                continue;
            }
        };
        model.endpoint.reasoning_effort = toolbox.reasoning_effort();
        numbers.insert(member.agent.name.clone(), member.agent.id);
        agents.push(working(member, model, toolbox));
    }
    let mut agents = agents.into_iter();
    let team = agents.next().map(|lead| Team::new(lead, agents.collect()));
    Ok(Staff {
        team: team.unwrap_or_default(),
        numbers,
    })
}

/// The active agents for sessions of that kind, whoever answers first.
async fn members(platform: &Platform, kind: SessionKind) -> Result<Vec<AgentWithModel>, Error> {
    let mut members = Vec::from_iter(first(platform, kind).await?);
    if kind == SessionKind::Workspace && !members.is_empty() {
        members.extend(active_by_type(&*platform.sql, AgentType::Specialist).await?);
    }
    Ok(members)
}

/// Who answers in sessions of that kind where nobody is addressed.
async fn first(platform: &Platform, kind: SessionKind) -> Result<Option<AgentWithModel>, Error> {
    let sql = &*platform.sql;
    let of_type = match kind {
        SessionKind::Codex => return coding::engineer(sql).await,
        SessionKind::Workspace => AgentType::Lead,
        SessionKind::Studio => AgentType::Workflow,
        SessionKind::Runtime | SessionKind::Open => AgentType::Chat,
    };
    Ok(active_by_type(sql, of_type).await?.into_iter().next())
}

fn working(member: AgentWithModel, model: Model, toolbox: &dyn Toolbox) -> Agent {
    let AgentWithModel { agent, model: row } = member;
    let can_call = row.is_none_or(|(model, _)| model.support_tools);
    let names = agent.tools.iter().filter(|_| can_call);
    let mut tools = match can_call {
        true => toolbox.always(),
        false => Vec::new(),
    };
    tools.extend(names.clone().filter_map(|name| toolbox.tool(name)));
    let mut prompt = agent.system_prompt;
    if !tools.is_empty() {
        prompt.push_str(toolbox.instructions());
    }
    let leads = names.clone().any(|name| name == agent::builtin::ASSIGN);
    Agent {
        role: match agent.description.is_empty() {
            true => agent.title,
            false => agent.description,
        },
        name: agent.name,
        prompt,
        model,
        temperature: agent.temperature,
        tools,
        leads,
        steps: STEPS,
    }
}

/// The model that speaks for an agent.
async fn model(platform: &Platform, member: &AgentWithModel) -> Result<Model, Error> {
    model_can_be_asked(platform, member).await?;
    let max_tokens = member.agent.max_tokens;
    let max_tokens = max_tokens.and_then(|most| u32::try_from(most).ok());
    let Some((model, provider)) = &member.model else {
        let DefaultModel { endpoint, timeouts } = DefaultModel::configured(platform).await?;
        return Ok(Model {
            endpoint,
            timeouts,
            max_tokens,
            window: WINDOW,
            prices: Prices::default(),
            gate: None,
        });
    };
    let key = open_provider_key(platform, provider).await?;
    let key = key.as_ref().map_or("", |key| key.as_str());
    let endpoint = Endpoint::parse(&provider.base_url, key, &model.code);
    let mut endpoint = endpoint.map_err(|error| {
        let detail = format!(
            "The model of {} is not configured rightly",
            member.agent.name
        );
        Error::new(ErrorKind::Unavailable, detail)
            .retry_in(60)
            .caused_by(error)
    })?;
    endpoint.streams = model.support_stream;
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(Model {
        endpoint,
        timeouts: limits::timeouts(provider),
        max_tokens,
        window: model.max_tokens.map_or(WINDOW, whole),
        prices: Prices {
            input: whole(model.input_price),
            output: whole(model.output_price),
        },
        gate: ProviderGate::of(platform, provider),
    })
}
