//! Models that may be asked so often only.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{Gate, Kind, Outcome, Reason, Wait};
use ports::{BoxFuture, Clock};
use serde_json::json;
use stage::{
    LeapingClock, Stage,
    model::{Reply, Script, stage},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const MINUTE: i64 = 60_000;

/// Lets so many pass in each minute of its clock.
struct Minutes {
    most: usize,
    clock: LeapingClock,
    passed: Mutex<Vec<i64>>,
}

impl std::fmt::Debug for Minutes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Minutes").finish_non_exhaustive()
    }
}

impl Minutes {
    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            clock: LeapingClock::new(),
            passed: Mutex::default(),
        })
    }

    /// How many passed in each minute.
    fn passed(&self) -> Vec<usize> {
        let passed = self.passed.lock().unwrap();
        let minutes: Vec<i64> = passed.iter().map(|at| at / MINUTE).collect();
        let mut each: Vec<i64> = minutes.clone();
        each.dedup();
        let count = |minute: &i64| minutes.iter().filter(|one| *one == minute).count();
        each.iter().map(count).collect()
    }
}

impl Gate for Minutes {
    fn pass(&self) -> BoxFuture<'_, Result<(), Wait>> {
        let now = self.clock.now();
        let mut passed = self.passed.lock().unwrap();
        let this = passed.iter().filter(|at| **at / MINUTE == now / MINUTE);
        let done = match this.count() < self.most {
            true => {
                passed.push(now);
                Ok(())
            }
            false => Err(Wait {
                after: Duration::from_millis((MINUTE - now % MINUTE).unsigned_abs()),
                why: "The provider has had its requests for this minute".to_owned(),
            }),
        };
        Box::pin(std::future::ready(done))
    }
}

fn gated(gate: &Arc<Minutes>) -> (Stage, Arc<Script>) {
    let (mut stage, script) = stage();
    let gate: Arc<dyn Gate> = Arc::clone(gate) as _;
    stage.mike(|mike| mike.model.gate = Some(gate));
    (stage, script)
}

fn warnings(stage: &Stage) -> Vec<String> {
    let kinds = stage.reader.kinds().into_iter();
    let warnings = kinds.filter_map(|kind| match kind {
        Kind::Warning { code, text } if code == "waiting" => Some(text),
        _ => None,
    });
    warnings.collect()
}

#[tokio::test(start_paused = true)]
async fn fifty_runs_take_turns() {
    let gate = Minutes::new(5);
    let stages: Vec<_> = (0..50)
        .map(|_| {
            let (mut stage, script) = gated(&gate);
            stage.limits.turn = Duration::from_secs(30 * 60);
            script.push(Reply::say(&["here"]));
            stage
        })
        .collect();
    let turns = stages.iter().map(|stage| stage.turn("go"));
    for end in futures::future::join_all(turns).await {
        assert_eq!(end.reason, Reason::Completed);
    }
    assert_eq!(gate.passed(), [5; 10]);
    for stage in &stages {
        stage.check();
        assert!(warnings(stage).len() <= 1, "it is said once");
    }
}

#[tokio::test(start_paused = true)]
async fn every_question_counts_those_that_are_asked_again_too() {
    let gate = Minutes::new(2);
    let (mut stage, script) = gated(&gate);
    stage.give_echo();
    script.push(Reply::status(503, "busy"));
    script.push(Reply::call(&[("echo", json!({"n": 1}))]));
    script.push(Reply::say(&["here"]));
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    assert_eq!(gate.passed(), [2, 1]);
    let said = warnings(&stage);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("requests for this minute; asking in"),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_never_gets_a_turn_ends_and_says_so() {
    let gate = Minutes::new(0);
    let (mut stage, script) = gated(&gate);
    stage.limits.turn = Duration::from_secs(130);
    let before = stage.clock.now();
    let end = stage.turn("go").await;
    assert_eq!(end.reason, Reason::RateLimited);
    assert!(end.detail.contains("has had its requests"), "{end:?}");
    assert_eq!(stage.outcome(), (Outcome::Failed, Reason::RateLimited));
    assert!(stage.clock.now() - before <= 130_000);
    assert!(script.requests().is_empty());
    stage.check();
}

#[tokio::test(start_paused = true)]
async fn who_waits_can_be_interrupted() {
    let gate = Minutes::new(0);
    let (stage, _) = gated(&gate);
    stage.say("go");
    let waiting = stage
        .reader
        .told(|kind| matches!(kind, Kind::Warning { .. }));
    let before = stage.clock.now();
    let driven = stage.drive_until(waiting).await.unwrap();
    let agent::Driven::Ended(end) = driven else {
        panic!("{driven:?}")
    };
    assert_eq!(end.reason, Reason::Interrupted);
    assert!(stage.clock.now() - before < 100);
    stage.check();
}
