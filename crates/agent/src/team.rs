//! Agents, and how they stand to one another.

use crate::{Gate, Prices, Spec, Tool, builtin};
use llm::{Endpoint, Timeouts};
use std::sync::Arc;

/// Which model speaks for an agent.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where it is, and its name there.
    pub endpoint: Endpoint,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// The longest answer in tokens; the server's default if `None`.
    pub max_tokens: Option<u32>,
    /// The tokens that fit into question and answer together.
    pub window: u64,
    /// What it costs.
    pub prices: Prices,
    /// What every question passes first; nothing, if `None`.
    pub gate: Option<Arc<dyn Gate>>,
}

/// An agent.
#[derive(Clone)]
pub struct Agent {
    /// Its name, by which users and the lead address it.
    pub name: String,
    /// What it is for, in a line, for the lead.
    pub role: String,
    /// Its instructions.
    pub prompt: String,
    /// Its model.
    pub model: Model,
    /// Sampling temperature; the server's default if `None`.
    pub temperature: Option<f64>,
    /// What it can do. `assign` and `read_output` come by themselves.
    pub tools: Vec<Arc<dyn Tool>>,
    /// Whether it may hand work to the others.
    pub leads: bool,
    /// The most answers of its model in one turn or assignment.
    pub steps: u32,
}

/// The agents of a run. The first is the lead: it answers unless another is addressed. A run whose
/// team is empty ends by [`crate::Reason::NoAgent`].
#[derive(Clone, Debug, Default)]
pub struct Team {
    agents: Vec<Agent>,
}

impl Team {
    /// A team of `lead` and `others`.
    #[must_use]
    pub fn new(lead: Agent, others: Vec<Agent>) -> Self {
        let mut agents = vec![lead];
        agents.extend(others);
        Self { agents }
    }

    /// Every agent, the lead first.
    #[must_use]
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The agent of that name, in whichever case.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        let name = name.trim().trim_start_matches('@').to_lowercase();
        let mut agents = self.agents.iter();
        agents.find(|agent| agent.name.to_lowercase() == name)
    }

    /// Those to whom `agent` can hand work at that depth; nobody where it may not.
    pub(crate) fn assignable<'a>(
        &'a self,
        agent: &'a Agent,
        depth: u32,
        most: u32,
    ) -> impl Iterator<Item = &'a Agent> {
        let may = agent.leads && depth < most;
        let others = self.agents.iter();
        others.filter(move |other| may && other.name != agent.name)
    }

    /// What the agent's model is told before everything else.
    pub(crate) fn system_prompt(&self, agent: &Agent, depth: u32, most: u32) -> String {
        let mut prompt = agent.prompt.clone();
        let mut others = self.assignable(agent, depth, most).peekable();
        if others.peek().is_some() {
            prompt.push_str("\n\nYour team, to whom you can hand work with the tool `assign`:\n");
            for other in others {
                prompt.push_str(&format!("- {}: {}\n", other.name, other.role));
            }
        }
        prompt
    }

    /// Every tool that the agent's model is offered at that depth.
    pub(crate) fn offers(&self, agent: &Agent, depth: u32, most: u32) -> Vec<Spec> {
        let own = agent.tools.iter().map(|tool| tool.spec().clone());
        let mut offers: Vec<Spec> = own
            .filter(|spec| !builtin::is_builtin(&spec.name))
            .collect();
        let others: Vec<&str> = self
            .assignable(agent, depth, most)
            .map(|other| other.name.as_str())
            .collect();
        if !offers.is_empty() || !others.is_empty() {
            offers.push(builtin::read_output());
        }
        if !others.is_empty() {
            offers.push(builtin::assign(&others));
        }
        offers
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut agent = formatter.debug_struct("Agent");
        agent.field("name", &self.name).finish_non_exhaustive()
    }
}
