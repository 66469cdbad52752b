//! A team on a stage: a record in memory, a reader that keeps what it is told, and tools and
//! models that do what the test says.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, each of which uses a part"
)]

pub mod model;

use agent::{
    Agent, Batch, Body, Call, CallResult, Caller, Driven, Event, Gone, Kind, Limits, Model,
    Outcome, Output, Prices, Reader, Reason, Record, Run, RunError, Spec, Step, Team, Tool,
    ToolError, Transcript, World, addressed, order,
};
use domain::{Error, ErrorKind};
use futures::future::pending;
use llm::{Client, Endpoint, Timeouts};
use ports::{BoxFuture, Clock, Http, Random};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;

/// Tokio's time, which a test may pause: then it leaps when everybody waits.
#[derive(Clone)]
pub struct LeapingClock(tokio::time::Instant);

impl LeapingClock {
    pub fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for LeapingClock {
    fn now(&self) -> i64 {
        1_000_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Counts: ids differ, and waits are as short as may be.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        if bytes.len() >= 8 {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            bytes[..8].copy_from_slice(&count.to_be_bytes());
        }
    }
}

/// When storing fails, as if the process died there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The step is not stored.
    Before(usize),
    /// The step is stored, but nobody learns so.
    After(usize),
}

#[derive(Default)]
pub struct Memory {
    pub steps: Mutex<Vec<Step>>,
    pub outputs: Mutex<BTreeMap<String, String>>,
    pub drafts: AtomicU64,
    pub crash: Mutex<Option<Crash>>,
    pub logs: Mutex<Vec<String>>,
    /// The last step that is stored.
    pub last: Arc<AtomicU64>,
}

fn crashed() -> Error {
    Error::new(ErrorKind::Internal, "the test crashed it")
}

impl Memory {
    pub fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap().clone()
    }

    fn put(&self, step: &Step, output: Option<&str>) -> Result<(), Error> {
        let mut steps = self.steps.lock().unwrap();
        let number = steps.last().map_or(1, |last| last.number + 1);
        assert_eq!(step.number, number, "steps are stored in order");
        let crash = *self.crash.lock().unwrap();
        if crash == Some(Crash::Before(steps.len())) {
            return Err(crashed());
        }
        let at = steps.len();
        // As a database would: through JSON.
        let json = serde_json::to_string(step).unwrap();
        let read: Step = serde_json::from_str(&json).unwrap();
        assert_eq!(&read, step);
        steps.push(read);
        self.last.store(step.number, Ordering::SeqCst);
        if let (Some(output), Body::Result(result)) = (output, &step.body) {
            let mut outputs = self.outputs.lock().unwrap();
            outputs.insert(result.call_id.clone(), output.to_owned());
        }
        match crash == Some(Crash::After(at)) {
            true => Err(crashed()),
            false => Ok(()),
        }
    }
}

impl Record for Memory {
    fn store<'a>(
        &'a self,
        step: &'a Step,
        output: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.put(step, output)
        })
    }

    fn draft<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.drafts.fetch_add(1, Ordering::Relaxed);
            let mut steps = self.steps.lock().unwrap();
            let place = steps.iter_mut().find(|place| place.number == step.number);
            *place.unwrap() = step.clone();
            Ok(())
        })
    }

    fn output<'a>(&'a self, call_id: &'a str) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async move { Ok(self.outputs.lock().unwrap().get(call_id).cloned()) })
    }

    fn log(&self, fault: &str) {
        self.logs.lock().unwrap().push(fault.to_owned());
    }
}

/// Keeps what it is told.
#[derive(Default)]
pub struct Audience {
    pub batches: watch::Sender<Vec<Batch>>,
    /// After how many batches it leaves.
    pub leaves: Mutex<Option<usize>>,
    /// The last step that is stored.
    pub last: Arc<AtomicU64>,
}

impl Audience {
    pub fn events(&self) -> Vec<Event> {
        let batches = self.batches.borrow();
        batches
            .iter()
            .flat_map(|batch| batch.events.clone())
            .collect()
    }

    pub fn kinds(&self) -> Vec<Kind> {
        self.events().into_iter().map(|event| event.kind).collect()
    }

    /// The last step that it was told of.
    pub fn seen(&self) -> u64 {
        let batches = self.batches.borrow();
        batches
            .iter()
            .filter_map(|batch| batch.step)
            .max()
            .unwrap_or(0)
    }

    /// Waits until something was told.
    pub async fn told(&self, what: impl Fn(&Kind) -> bool) {
        let mut batches = self.batches.subscribe();
        let told = batches.wait_for(|batches| {
            let mut events = batches.iter().flat_map(|batch| &batch.events);
            events.any(|event| what(&event.kind))
        });
        told.await.unwrap();
    }
}

impl Reader for Audience {
    fn tell(&self, batch: Batch) -> BoxFuture<'_, Result<(), Gone>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let told = self.batches.borrow().len();
            if self
                .leaves
                .lock()
                .unwrap()
                .is_some_and(|leaves| told >= leaves)
            {
                return Err(Gone);
            }
            assert!(!batch.events.is_empty());
            let stored = self.last.load(Ordering::SeqCst);
            assert!(
                batch.step.unwrap_or(0) <= stored,
                "a step is stored before it is told"
            );
            // As over a wire: through JSON.
            let json = serde_json::to_string(&batch).unwrap();
            let batch = serde_json::from_str(&json).unwrap();
            self.batches.send_modify(|batches| batches.push(batch));
            Ok(())
        })
    }
}

pub type Doing = Arc<
    dyn for<'a> Fn(Map<String, Value>, &'a Caller) -> BoxFuture<'a, Result<Output, ToolError>>
        + Send
        + Sync,
>;

/// A tool that does what the test says, and remembers for which calls.
pub struct Probe {
    pub spec: Spec,
    pub doing: Doing,
    pub calls: Arc<Mutex<Vec<String>>>,
}

impl Tool for Probe {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn call<'a>(
        &'a self,
        arguments: Map<String, Value>,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Output, ToolError>> {
        self.calls.lock().unwrap().push(caller.call_id().to_owned());
        (self.doing)(arguments, caller)
    }
}

pub fn spec(name: &str) -> Spec {
    Spec {
        name: name.to_owned(),
        description: format!("{name} things"),
        parameters: json!({
            "type": "object",
            "properties": {"n": {"type": "integer"}, "text": {"type": "string"}}
        }),
        timeout: None,
        parallel: true,
    }
}

/// Everything that a run needs.
pub struct Stage {
    pub world: World,
    pub clock: Arc<dyn Clock>,
    pub record: Memory,
    pub reader: Audience,
    pub team: Team,
    pub limits: Limits,
    pub slice: Option<Duration>,
    /// The calls that reached a tool, in order.
    pub calls: Arc<Mutex<Vec<String>>>,
}

pub fn model(base_url: &str) -> Model {
    Model {
        endpoint: Endpoint::parse(base_url, "", "m").unwrap(),
        timeouts: Timeouts::default(),
        max_tokens: None,
        window: 128_000,
        prices: Prices {
            input: 1_000_000,
            output: 2_000_000,
        },
        gate: None,
    }
}

pub fn agent(name: &str, base_url: &str) -> Agent {
    Agent {
        name: name.to_owned(),
        role: format!("does what {name} does"),
        prompt: format!("You are {name}."),
        model: model(base_url),
        temperature: None,
        tools: Vec::new(),
        leads: false,
        steps: 50,
    }
}

impl Stage {
    /// A stage with an agent named Mike.
    pub fn new(http: Arc<dyn Http>, clock: Arc<dyn Clock>, base_url: &str) -> Self {
        let record = Memory::default();
        let reader = Audience {
            last: record.last.clone(),
            ..Audience::default()
        };
        Self {
            world: World {
                client: Client::new(http, clock.clone()),
                clock: clock.clone(),
                random: Arc::new(Counting::default()),
            },
            clock,
            record,
            reader,
            team: Team::new(agent("Mike", base_url), Vec::new()),
            limits: Limits::default(),
            slice: None,
            calls: Arc::default(),
        }
    }

    pub fn mike(&mut self, change: impl FnOnce(&mut Agent)) {
        let mut agents = self.team.agents().to_vec();
        change(&mut agents[0]);
        let lead = agents.remove(0);
        self.team = Team::new(lead, agents);
    }

    /// Adds an agent whom Mike leads.
    pub fn enlist(&mut self, other: Agent) {
        let mut agents = self.team.agents().to_vec();
        let mut lead = agents.remove(0);
        lead.leads = true;
        agents.push(other);
        self.team = Team::new(lead, agents);
    }

    pub fn probe(
        &self,
        spec: Spec,
        doing: impl for<'a> Fn(
            Map<String, Value>,
            &'a Caller,
        ) -> BoxFuture<'a, Result<Output, ToolError>>
        + Send
        + Sync
        + 'static,
    ) -> Arc<dyn Tool> {
        Arc::new(Probe {
            spec,
            doing: Arc::new(doing),
            calls: self.calls.clone(),
        })
    }

    /// Gives Mike a tool.
    pub fn give(
        &mut self,
        spec: Spec,
        doing: impl for<'a> Fn(
            Map<String, Value>,
            &'a Caller,
        ) -> BoxFuture<'a, Result<Output, ToolError>>
        + Send
        + Sync
        + 'static,
    ) {
        let tool = self.probe(spec, doing);
        self.mike(|mike| mike.tools.push(tool));
    }

    /// Gives Mike a tool that answers with its argument `n`.
    pub fn give_echo(&mut self) {
        self.give(spec("echo"), |arguments, _| {
            Box::pin(async move { Ok(Output::new(format!("echo {}", arguments["n"]))) })
        });
    }

    /// The user says something: a run begins.
    pub fn say(&self, text: &str) {
        let mut steps = self.record.steps.lock().unwrap();
        let number = steps.last().map_or(1, |last| last.number + 1);
        self.record.last.store(number, Ordering::SeqCst);
        steps.push(Step {
            number,
            at: self.clock.now(),
            agent: self.addressee(text),
            thread: None,
            body: Body::User {
                run_id: Uuid::from_u128(u128::from(number)),
                message_id: Uuid::from_u128(u128::from(number) << 64),
                text: text.to_owned(),
            },
        });
    }

    /// Whom the message addresses, else the lead.
    fn addressee(&self, text: &str) -> Option<String> {
        let agents = self.team.agents();
        let names = agents.iter().map(|agent| agent.name.as_str());
        let lead = agents.first().map(|agent| agent.name.as_str());
        addressed(text, names).or(lead).map(str::to_owned)
    }

    pub fn transcript(&self) -> Transcript {
        let mut steps = self.record.steps();
        let begins = |step: &Step| matches!(step.body, Body::User { .. });
        let start = steps.iter().rposition(begins).unwrap();
        let run = steps.split_off(start);
        Transcript::new(steps, run).unwrap()
    }

    pub fn run(&self) -> Run<'_> {
        Run {
            team: &self.team,
            limits: self.limits,
            world: &self.world,
            record: &self.record,
            reader: &self.reader,
            transcript: self.transcript(),
            seen: self.reader.seen(),
            slice: self.slice,
        }
    }

    pub async fn drive_until(
        &self,
        interrupt: impl Future<Output = ()> + Send,
    ) -> Result<Driven, RunError> {
        self.run().drive(interrupt).await
    }

    pub async fn drive(&self) -> Result<Driven, RunError> {
        self.drive_until(pending()).await
    }

    /// Says something and drives the run to its end; checks what always holds.
    pub async fn turn(&self, text: &str) -> agent::End {
        self.say(text);
        let Driven::Ended(end) = self.drive().await.unwrap() else {
            panic!("no slice was asked for");
        };
        self.check();
        end
    }

    /// What holds of every run that has ended.
    pub fn check(&self) {
        let events = self.reader.events();
        let start = |event: &Event| matches!(event.kind, Kind::RunStarted { .. });
        let start = events.iter().rposition(start).unwrap();
        order::check(&events[start..]).unwrap_or_else(|fault| panic!("{fault}: {events:#?}"));
        let transcript = self.transcript();
        let calls = calls(transcript.run());
        let results = results(transcript.run());
        let called: BTreeSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
        let ended: Vec<&str> = results
            .iter()
            .map(|result| result.call_id.as_str())
            .collect();
        assert_eq!(called.len(), calls.len(), "every id is its call's own");
        assert_eq!(ended.len(), called.len(), "every call has one result");
        assert_eq!(called, ended.into_iter().collect());
        let reached = self.calls.lock().unwrap();
        let once: BTreeSet<&String> = reached.iter().collect();
        assert_eq!(once.len(), reached.len(), "no call was carried out twice");
        assert!(transcript.ended().is_some());
    }

    pub fn results(&self) -> Vec<CallResult> {
        results(&self.record.steps())
    }

    /// How the run came out.
    pub fn outcome(&self) -> (Outcome, Reason) {
        match self.reader.kinds().last() {
            Some(Kind::RunEnded {
                outcome, reason, ..
            }) => (*outcome, *reason),
            other => panic!("the run has not ended but {other:?}"),
        }
    }

    /// What the run answered.
    pub fn output(&self) -> String {
        let events = self.reader.kinds();
        match events.last() {
            Some(Kind::RunEnded { output, .. }) => output.clone(),
            other => panic!("the run has not ended but {other:?}"),
        }
    }
}

pub fn calls(steps: &[Step]) -> Vec<Call> {
    let calls = steps.iter().flat_map(|step| match &step.body {
        Body::Answer(answer) => answer.calls.clone(),
        _ => Vec::new(),
    });
    calls.collect()
}

pub fn results(steps: &[Step]) -> Vec<CallResult> {
    let results = steps.iter().filter_map(|step| match &step.body {
        Body::Result(result) => Some(result.clone()),
        _ => None,
    });
    results.collect()
}
