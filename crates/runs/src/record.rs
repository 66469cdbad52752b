//! Keeps an execution's steps, and what the agents did in executions of their own.

use crate::stored;
use agent::{Body, CallState, Step, Transcript, Usage};
use domain::{AgentId, Error, ExecutionStatus, ExecutionType, TokenUsage};
use ports::{BoxFuture, Platform};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use store::{
    executions::{self, Ending, NewExecution},
    runs::{Lease, StoredRun},
    steps,
};
use uuid::Uuid;

/// The record of an execution.
pub(super) struct Record {
    pub(super) platform: Platform,
    pub(super) run: StoredRun,
    pub(super) lease: Lease,
    /// The number of each agent, by its name.
    agents: BTreeMap<String, AgentId>,
    threads: Mutex<Threads>,
    ended: AtomicBool,
}

/// The pieces of work that were handed on.
#[derive(Default)]
struct Threads {
    begun: BTreeSet<String>,
    usage: BTreeMap<String, Usage>,
}

impl Threads {
    fn count(&mut self, step: &Step) {
        if let (Some(thread), Some(usage)) = (&step.thread, step.body.usage()) {
            let counted = self.usage.entry(thread.clone()).or_default();
            *counted = counted.plus(usage);
        }
    }
}

impl Record {
    pub(super) fn new(
        platform: &Platform,
        run: StoredRun,
        lease: Lease,
        agents: BTreeMap<String, AgentId>,
        transcript: &Transcript,
    ) -> Self {
        let mut threads = Threads::default();
        for step in transcript.run() {
            threads.count(step);
        }
        Self {
            platform: platform.clone(),
            run,
            lease,
            agents,
            threads: Mutex::new(threads),
            ended: AtomicBool::new(false),
        }
    }

    /// Whether the run's end is stored.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    async fn keep(&self, step: &Step, output: Option<&str>) -> Result<(), Error> {
        let sql = &*self.platform.sql;
        steps::insert(sql, &self.lease, &stored::stored(step)?, output).await?;
        if matches!(step.body, Body::Ended(_)) {
            self.ended.store(true, Ordering::Relaxed);
        }
        self.threads().count(step);
        match (&step.thread, &step.body) {
            (_, Body::Result(result)) if result.tool == agent::builtin::ASSIGN => {
                self.work_ended(&result.call_id, result.state, step.at)
                    .await
            }
            (Some(thread), _) => self.work_began(thread, step).await,
            (None, _) => Ok(()),
        }
    }

    /// A piece of work that was handed on is an execution of its own.
    async fn work_began(&self, thread: &str, step: &Step) -> Result<(), Error> {
        if !self.threads().begun.insert(thread.to_owned()) {
            return Ok(());
        }
        let name = step.agent.as_deref().unwrap_or_default();
        let Some(agent) = self.agents.get(name).copied() else {
            return Ok(());
        };
        let run = self.run.uuid.to_string();
        let new = NewExecution {
            uuid: self.execution(thread),
            run_id: Some(&run),
            agent,
            session: Some(self.run.session),
            execution_type: ExecutionType::Task,
            now: step.at,
        };
        executions::insert(&*self.platform.sql, &new)
            .await
            .map(drop)
    }

    async fn work_ended(&self, thread: &str, state: CallState, now: i64) -> Result<(), Error> {
        let usage = self.threads().usage.remove(thread).unwrap_or_default();
        let ending = Ending {
            status: match state {
                CallState::Done => ExecutionStatus::Succeeded,
                CallState::Interrupted => ExecutionStatus::Cancelled,
                _ => ExecutionStatus::Failed,
            },
            reason: None,
            usage: token_usage(usage),
            now,
        };
        let ended = executions::finish(&*self.platform.sql, self.execution(thread), &ending);
        ended.await.map(drop)
    }

    /// The execution of a piece of work: the same after a crash, so that it is there once.
    fn execution(&self, thread: &str) -> Uuid {
        // FNV-1a, 128 bits.
        let hash = thread.bytes().fold(
            0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
            |hash, byte| {
                (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            },
        );
        Uuid::from_u128(self.run.uuid.as_u128() ^ hash)
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl agent::Record for Record {
    fn store<'a>(
        &'a self,
        step: &'a Step,
        output: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.keep(step, output))
    }

    fn draft<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            let (number, body) = (stored::number(step)?, stored::body(&step.body)?);
            steps::replace(&*self.platform.sql, &self.lease, number, &body).await
        })
    }

    fn output<'a>(&'a self, call_id: &'a str) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(steps::output(&*self.platform.sql, self.run.id, call_id))
    }

    fn log(&self, fault: &str) {
        eprintln!("run {}: {fault}", self.run.uuid);
    }
}

/// Usage as executions have it: money in millionths.
pub(super) fn token_usage(usage: Usage) -> TokenUsage {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    TokenUsage {
        input: whole(usage.input),
        output: whole(usage.output),
        cost: whole(usage.cost.0 / 1_000_000),
        estimated: usage.estimated,
    }
}
