//! Does what was decided: the loops of the agents of one run.

mod ask;
mod call;

use crate::{
    Agent, Body, End, Limits, Next, Reason, Record, Situation, Team, World, decide,
    journal::{Closed, NewStep, Outlet, Shared},
};
use ask::Asked;
use ports::BoxFuture;
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What the loops of a run have in common.
pub(crate) struct Drive<'a> {
    pub(crate) team: &'a Team,
    pub(crate) limits: &'a Limits,
    pub(crate) world: &'a World,
    pub(crate) record: &'a dyn Record,
    pub(crate) transcript: Shared,
    /// When the slice began, and how long it is.
    pub(crate) slice: Option<(i64, Duration)>,
    /// The number of the first step of this slice.
    pub(crate) next_number: u64,
    /// The ids that calls were given, by loops side by side.
    pub(crate) call_ids: Mutex<BTreeSet<String>>,
}

/// How far a loop got.
#[derive(Debug)]
pub(crate) enum Worked {
    Finished(End),
    /// The slice is over.
    Yielded,
}

/// Why a loop cannot go on.
#[derive(Debug)]
pub(crate) enum Halt {
    Closed,
    Record(domain::Error),
}

impl From<Closed> for Halt {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl<'a> Drive<'a> {
    /// Who answers the user: whom the message's step names, or the lead.
    pub(crate) fn addressee(&self) -> Option<&'a Agent> {
        let transcript = self.transcript.read();
        let name = transcript
            .beginning()
            .and_then(|step| step.agent.as_deref());
        let named = name.and_then(|name| self.team.agent(name));
        named.or_else(|| self.team.agents().first())
    }

    fn call_ids(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.call_ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the slice is over. Each slice gets on by a step at least.
    fn is_over(&self) -> bool {
        self.slice.is_some_and(|(began, slice)| {
            let since = self.world.clock.now().saturating_sub(began);
            let over = Duration::from_millis(since.max(0).unsigned_abs()) >= slice;
            over && self.transcript.read().next_number() > self.next_number
        })
    }
}

/// The loop of one agent: of the turn itself, or of work that was handed on.
pub(crate) struct Loop<'a> {
    drive: &'a Drive<'a>,
    agent: Option<&'a Agent>,
    thread: Option<String>,
    depth: u32,
    outlet: Outlet,
}

impl<'a> Loop<'a> {
    /// The loop of the turn itself.
    pub(crate) fn turn(drive: &'a Drive<'a>, agent: Option<&'a Agent>, outlet: Outlet) -> Self {
        Self {
            drive,
            agent,
            thread: None,
            depth: 1,
            outlet,
        }
    }

    /// Works until the agent is done. Boxed, because loops stand in one another.
    pub(crate) fn work(&self) -> BoxFuture<'_, Result<Worked, Halt>> {
        Box::pin(async move {
            let Some(agent) = self.agent else {
                let nobody = End::new(Reason::NoAgent, "there is no agent to answer");
                return Ok(Worked::Finished(nobody));
            };
            let mut overflowed = false;
            loop {
                let next = self.decide(agent, std::mem::take(&mut overflowed));
                match next {
                    Next::Finish(end) => return Ok(Worked::Finished(end)),
                    Next::Call(calls) => {
                        if self.call(agent, calls).await? {
                            return Ok(Worked::Yielded);
                        }
                        continue;
                    }
                    _ if self.drive.is_over() => return Ok(Worked::Yielded),
                    Next::Notice(text) => {
                        self.store(agent, Body::Notice { text }, None).await?;
                    }
                    Next::Compact(compaction) => {
                        if let Some(end) = self.compact(agent, compaction).await? {
                            return Ok(Worked::Finished(end));
                        }
                    }
                    Next::Ask { request, tokens } => {
                        match self.ask(agent, &request, tokens).await? {
                            Asked::Recorded => {}
                            Asked::TooLong => overflowed = true,
                            Asked::Never(end) => return Ok(Worked::Finished(end)),
                        }
                    }
                }
            }
        })
    }

    fn decide(&self, agent: &Agent, overflowed: bool) -> Next {
        decide(&Situation {
            team: self.drive.team,
            agent,
            transcript: &self.drive.transcript.read(),
            thread: self.thread.as_deref(),
            depth: self.depth,
            limits: self.drive.limits,
            now: self.drive.world.clock.now(),
            overflowed,
        })
    }

    async fn store(&self, agent: &Agent, body: Body, output: Option<String>) -> Result<(), Halt> {
        Ok(self.outlet.store(self.step(agent, body, output)).await?)
    }

    fn step(&self, agent: &Agent, body: Body, output: Option<String>) -> NewStep {
        NewStep {
            agent: Some(agent.name.clone()),
            thread: self.thread.clone(),
            body,
            output,
        }
    }

    fn event(&self, agent: &Agent, kind: crate::Kind) -> crate::Event {
        crate::Event {
            agent: Some(agent.name.clone()),
            thread: self.thread.clone(),
            kind,
        }
    }
}
