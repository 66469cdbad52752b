//! Tokens of a coding session, counted for its room.
//!
//! Invariant: what is told with an answer is the sum of all answers up to it, whoever executes the
//! run and how often the answer is told: it is counted from the step that the reader saw last.

use agent::{Team, Transcript};
use domain::{
    Error, SessionKind,
    event::{TokenCount, UsageEvent},
};
use ports::Sql;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use store::{codex, runs::StoredRun};

/// What the answers of a session took.
pub(super) struct Tokens {
    /// Up to the last answer that was told.
    total: Mutex<TokenCount>,
    /// How many fit into the model of each agent.
    windows: BTreeMap<String, u64>,
}

impl Tokens {
    /// Those of the session's turns before `run`, and of its own steps up to `seen`. A team that is
    /// nobody says nothing of models.
    ///
    /// # Errors
    /// What a failed statement means.
    pub(super) async fn of(
        sql: &dyn Sql,
        run: &StoredRun,
        transcript: &Transcript,
        seen: u64,
        team: &Team,
    ) -> Result<Self, Error> {
        let before = match run.session_kind {
            SessionKind::Codex => codex::tokens_before(sql, run.session, run.id).await?,
            // Other rooms are not told.
            _ => TokenCount::default(),
        };
        let own = transcript.usage_up_to(seen);
        let own = TokenCount {
            input: own.input,
            output: own.output,
        };
        let agents = team.agents().iter();
        let windows = agents.map(|agent| (agent.name.clone(), agent.model.window));
        Ok(Self {
            total: Mutex::new(plus(before, own)),
            windows: windows.collect(),
        })
    }

    /// Counts an answer of `agent`, and adds to what is told of it what only a session knows.
    pub(super) fn count(&self, agent: Option<&str>, usage: &mut UsageEvent) {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        *total = plus(*total, usage.last);
        usage.total = *total;
        usage.window = agent.and_then(|agent| self.windows.get(agent).copied());
    }
}

fn plus(one: TokenCount, other: TokenCount) -> TokenCount {
    TokenCount {
        input: one.input.saturating_add(other.input),
        output: one.output.saturating_add(other.output),
    }
}
