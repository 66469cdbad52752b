//! Who works on a run: agents as the administrators set them up, each with its model.

use crate::{default_model::DefaultModel, tools};
use agent::{Agent, Model, Prices, Team, addressed};
use domain::{AgentId, AgentType, Error, ErrorKind, SessionKind};
use llm::{Endpoint, Timeouts};
use ports::Platform;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{
    agents::{AgentWithModel, active_by_type},
    runs::StoredRun,
};
use web::open_provider_key;

/// The tokens that fit into a model's question and answer, where nobody said.
const WINDOW: u64 = 128_000;

/// The most answers of an agent in one turn or assignment.
const STEPS: u32 = 50;

/// What whoever works in the sandbox is told besides.
const SANDBOX: &str = "\n\nYour tools work in a sandbox of this session, which your whole team \
    shares. Files are in /workspace; write paths relative to it.";

/// A team, and the numbers of its agents by name.
pub(super) struct Staff {
    pub(super) team: Team,
    pub(super) numbers: BTreeMap<String, AgentId>,
}

/// The name of the agent who is to answer `text` in a session of that kind.
///
/// # Errors
/// Unavailable when there is nobody, or that agent's model cannot be asked.
pub(super) async fn addressee(
    platform: &Platform,
    kind: SessionKind,
    text: &str,
) -> Result<String, Error> {
    let members = members(platform, kind).await?;
    let names = members.iter().map(|member| member.agent.name.as_str());
    let name = addressed(text, names);
    let mut candidates = members.iter();
    let member = match name {
        Some(name) => candidates.find(|member| member.agent.name == name),
        None => candidates.next(),
    };
    let member = member.ok_or_else(nobody)?;
    // Better said now than by a run that fails.
    model(platform, member).await?;
    Ok(member.agent.name.clone())
}

/// Who works on `run`. Those whose model cannot be asked are left out.
///
/// # Errors
/// Unavailable when there is nobody.
pub(super) async fn of(platform: &Platform, run: &StoredRun) -> Result<Staff, Error> {
    let workspace = Arc::new(tools::Workspace::new(platform, run));
    let (mut agents, mut numbers) = (Vec::new(), BTreeMap::new());
    for member in members(platform, run.session_kind).await? {
        let model = match model(platform, &member).await {
            Ok(model) => model,
            Err(error) => {
                eprintln!("agent {}: {error}", member.agent.name);
                continue;
            }
        };
        numbers.insert(member.agent.name.clone(), member.agent.id);
        agents.push(working(member, model, &workspace));
    }
    let mut agents = agents.into_iter();
    let lead = agents.next().ok_or_else(nobody)?;
    Ok(Staff {
        team: Team::new(lead, agents.collect()),
        numbers,
    })
}

/// The active agents for sessions of that kind, whoever answers first.
async fn members(platform: &Platform, kind: SessionKind) -> Result<Vec<AgentWithModel>, Error> {
    let sql = &*platform.sql;
    let first = match kind {
        SessionKind::Workspace | SessionKind::Codex => AgentType::Lead,
        SessionKind::Studio => AgentType::Workflow,
        SessionKind::Runtime | SessionKind::Open => AgentType::Chat,
    };
    let mut members = active_by_type(sql, first).await?;
    members.truncate(1);
    if members.is_empty() {
        return Err(nobody());
    }
    if first == AgentType::Lead {
        members.extend(active_by_type(sql, AgentType::Specialist).await?);
    }
    Ok(members)
}

fn nobody() -> Error {
    let detail = "No agent is there to answer. An administrator has to activate one";
    Error::new(ErrorKind::Unavailable, detail).retry_in(60)
}

fn working(member: AgentWithModel, model: Model, workspace: &Arc<tools::Workspace>) -> Agent {
    let AgentWithModel { agent, model: row } = member;
    let can_call = row.is_none_or(|(model, _)| model.support_tools);
    let names = agent.tools.iter().filter(|_| can_call);
    let tools: Vec<_> = names
        .clone()
        .filter_map(|name| tools::named(name, workspace))
        .collect();
    let mut prompt = agent.system_prompt;
    if !tools.is_empty() {
        prompt.push_str(SANDBOX);
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
        });
    };
    if !model.is_usable(provider) {
        let detail = format!("The model of {} is disabled", member.agent.name);
        return Err(Error::new(ErrorKind::Unavailable, detail).retry_in(60));
    }
    let key = open_provider_key(platform, provider).await?;
    let key = key.as_ref().map_or("", |key| key.as_str());
    let endpoint = Endpoint::parse(&provider.base_url, key, &model.code).map_err(|error| {
        let detail = format!(
            "The model of {} is not configured rightly",
            member.agent.name
        );
        Error::new(ErrorKind::Unavailable, detail)
            .retry_in(60)
            .caused_by(error)
    })?;
    let silence = Duration::from_millis(provider.timeout_ms.unsigned_abs());
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(Model {
        endpoint,
        timeouts: Timeouts {
            first_token: silence,
            silence,
            ..Timeouts::default()
        },
        max_tokens,
        window: model.max_tokens.map_or(WINDOW, whole),
        prices: Prices {
            input: whole(model.input_price),
            output: whole(model.output_price),
        },
    })
}
