//! Section 6 of the `studio` document, "Agent 管理接口": agents, for administrators.

use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::validation::{change_within, parses_as, parses_as_if_any, rules, text_within, within};
use crate::{Change, Contract};
use domain::{AgentName, AgentType, Availability, TOOLS, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest system prompt, in characters.
const PROMPT: usize = 32_000;

/// The most tokens that an answer can be limited to.
const ANSWER: i64 = 10_000_000;

/// `POST /agents`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCreate {
    /// 1 to 64 characters, unique whatever their case.
    pub name: String,
    /// `LEAD`, `SPECIALIST`, `CHAT` or `WORKFLOW`.
    #[serde(rename = "type")]
    pub agent_type: String,
    /// What it does, in one line of at most 120 characters.
    #[serde(default)]
    pub title: Option<String>,
    /// The same at length, at most 2000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// The model that it asks, of type `CHAT`; without, the default model.
    #[serde(default)]
    pub model_id: Option<i64>,
    /// What its model is told first, at most 32000 characters.
    #[serde(default)]
    pub system_prompt: Option<String>,
    /// How freely its model chooses words, 0 to 2; without, the server's own.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// The most tokens of one answer; without, the server's own.
    #[serde(default)]
    pub max_tokens: Option<i64>,
    /// Its tools; without, none.
    #[serde(default)]
    pub tools_config: Option<ToolsConfig>,
    /// `ACTIVE`, which it is without, or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

/// `PUT /agents/{id}`. What it does not name stays; null removes what may be missing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentUpdate {
    /// 1 to 64 characters, unique whatever their case.
    #[serde(default)]
    pub name: Option<String>,
    /// `LEAD`, `SPECIALIST`, `CHAT` or `WORKFLOW`.
    #[serde(default, rename = "type")]
    pub agent_type: Option<String>,
    /// What it does, in one line of at most 120 characters.
    #[serde(default)]
    pub title: Option<String>,
    /// The same at length, at most 2000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// The model that it asks, of type `CHAT`; null for the default model.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub model_id: Change<i64>,
    /// What its model is told first, at most 32000 characters.
    #[serde(default)]
    pub system_prompt: Option<String>,
    /// How freely its model chooses words, 0 to 2; null for the server's own.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    pub temperature: Change<f64>,
    /// The most tokens of one answer; null for the server's own.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub max_tokens: Change<i64>,
    /// Its tools, all of them.
    #[serde(default)]
    pub tools_config: Option<ToolsConfig>,
    /// `ACTIVE` or `DISABLED`.
    #[serde(default)]
    pub status: Option<String>,
}

/// Which tools an agent has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolsConfig {
    /// Their names.
    pub tools: Vec<String>,
}

rules!(AgentCreate {
    name as "name": parses_as!(AgentName::parse),
    agent_type as "type": parses_as!(AgentType::parse),
    title as "title": is_title,
    description as "description": text_within(2000),
    system_prompt as "systemPrompt": text_within(PROMPT),
    temperature as "temperature": is_temperature,
    max_tokens as "maxTokens": within(1, ANSWER),
    tools_config as "toolsConfig.tools": are_known,
    status as "status": parses_as_if_any!(Availability::parse),
});

rules!(AgentUpdate {
    name as "name": parses_as_if_any!(AgentName::parse),
    agent_type as "type": parses_as_if_any!(AgentType::parse),
    title as "title": is_title,
    description as "description": text_within(2000),
    system_prompt as "systemPrompt": text_within(PROMPT),
    temperature as "temperature":
        |change: &Change<f64>, _: &()| is_temperature(&change.value().copied(), &()),
    max_tokens as "maxTokens": change_within(1, ANSWER),
    tools_config as "toolsConfig.tools": are_known,
    status as "status": parses_as_if_any!(Availability::parse),
});

fn is_title(title: &Option<String>, _: &()) -> garde::Result {
    let lines = |text: &String| text.chars().any(char::is_control);
    if title.as_ref().is_some_and(lines) {
        return Err(garde::Error::new("must be one line"));
    }
    text_within(120)(title, &())
}

fn is_temperature(temperature: &Option<f64>, _: &()) -> garde::Result {
    match temperature {
        Some(temperature) if !(0.0..=2.0).contains(temperature) => {
            Err(garde::Error::new("must be from 0 to 2"))
        }
        _ => Ok(()),
    }
}

fn are_known(config: &Option<ToolsConfig>, _: &()) -> garde::Result {
    let names = config.iter().flat_map(|config| &config.tools);
    let unknown = names
        .into_iter()
        .find(|name| !TOOLS.contains(&name.as_str()));
    let Some(unknown) = unknown else {
        return Ok(());
    };
    let unknown: String = unknown.chars().take(64).collect();
    let message = format!("`{unknown}` is no tool; known are {}", TOOLS.join(", "));
    Err(garde::Error::new(message))
}

impl ToolsConfig {
    /// The names in the order of [`TOOLS`], each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let named = |tool: &&&str| self.tools.iter().any(|name| name == *tool);
        let names = TOOLS.iter().filter(named);
        names.map(|tool| (*tool).to_owned()).collect()
    }
}

/// The agent that `POST /agents` made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewAgent {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(rename = "type")]
    #[schema(example = "SPECIALIST")]
    pub agent_type: &'static str,
    /// `ACTIVE` or `DISABLED`.
    #[schema(example = "ACTIVE")]
    pub status: &'static str,
}

impl From<domain::Agent> for NewAgent {
    fn from(agent: domain::Agent) -> Self {
        Self {
            id: agent.id.0,
            name: agent.name,
            agent_type: agent.agent_type.as_str(),
            status: agent.status.as_str(),
        }
    }
}

/// `GET /agents`: an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(rename = "type")]
    #[schema(example = "SPECIALIST")]
    pub agent_type: &'static str,
    /// What it does, in one line; may be empty.
    pub title: String,
    /// The model that it asks; null is the default model.
    pub model_id: Option<i64>,
    /// That model's name.
    pub model_name: Option<String>,
    /// `ACTIVE` or `DISABLED`.
    #[schema(example = "ACTIVE")]
    pub status: &'static str,
    /// Whether everybody has it from the beginning.
    pub built_in: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl AgentSummary {
    /// `agent`, whose model is called `model_name`.
    #[must_use]
    pub fn of(agent: domain::Agent, model_name: Option<String>) -> Self {
        Self {
            id: agent.id.0,
            name: agent.name,
            agent_type: agent.agent_type.as_str(),
            title: agent.title,
            model_id: agent.model_id.map(|id| id.0),
            model_name,
            status: agent.status.as_str(),
            built_in: agent.built_in,
            created_at: agent.created_at,
        }
    }
}

/// `GET /agents/{id}`: all of an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentDetails {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: AgentSummary,
    /// What it does, at length; may be empty.
    pub description: String,
    /// What its model is told first; may be empty.
    pub system_prompt: String,
    /// How freely its model chooses words; null is the server's own.
    pub temperature: Option<f64>,
    /// The most tokens of one answer; null is the server's own.
    pub max_tokens: Option<i64>,
    /// Its tools.
    pub tools_config: ToolsConfig,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl AgentDetails {
    /// `agent`, whose model is called `model_name`.
    #[must_use]
    pub fn of(mut agent: domain::Agent, model_name: Option<String>) -> Self {
        Self {
            description: std::mem::take(&mut agent.description),
            system_prompt: std::mem::take(&mut agent.system_prompt),
            temperature: agent.temperature,
            max_tokens: agent.max_tokens,
            tools_config: ToolsConfig {
                tools: std::mem::take(&mut agent.tools),
            },
            updated_at: agent.updated_at,
            summary: AgentSummary::of(agent, model_name),
        }
    }
}

/// `DELETE /agents/{id}`
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct AgentRemoved {
    /// Always true: what fails is a problem.
    pub success: bool,
    /// Whether it is gone. One that is built in, or that has executed something, is disabled
    /// instead: its history needs it.
    pub deleted: bool,
}

const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Studio, Access::Administrator, line, summary)
}

const UNKNOWN: Answer = Answer::problem(404, "There is no such agent.");
const TAKEN: Answer = Answer::problem(409, "Another agent has the name.");

pub(crate) const OPERATIONS: &[Operation] = &[
    operation((Method::Post, "/api/v1/agents"), "Create an agent")
        .body("AgentCreate")
        .answers(&[
            Answer::new(200, "The agent.", Body::Envelope("NewAgent")),
            TAKEN,
        ]),
    operation((Method::Get, "/api/v1/agents"), "List agents")
        .query(&[
            Query::text("type", "Only agents of this type.", false),
            Query::text("status", "Only agents of this status.", false),
            super::LIMIT,
            super::OFFSET,
        ])
        .answers(&[Answer::new(
            200,
            "Agents, those made first first; `X-Total-Count` says how many there are.",
            Body::EnvelopeList("AgentSummary"),
        )]),
    operation((Method::Get, "/api/v1/agents/{id}"), "Get an agent").answers(&[
        Answer::new(200, "The agent.", Body::Envelope("AgentDetails")),
        UNKNOWN,
    ]),
    operation((Method::Put, "/api/v1/agents/{id}"), "Change an agent")
        .body("AgentUpdate")
        .answers(&[
            Answer::new(200, "It is changed.", Body::Envelope("Changed")),
            UNKNOWN,
            TAKEN,
        ]),
    operation((Method::Delete, "/api/v1/agents/{id}"), "Delete an agent").answers(&[
        Answer::new(
            200,
            "It is gone, or disabled where its history needs it.",
            Body::Envelope("AgentRemoved"),
        ),
        UNKNOWN,
    ]),
];
