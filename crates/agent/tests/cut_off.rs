//! Runs that are cut off, on purpose or not: interrupts, slices, readers that leave, crashes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{CallState, Driven, Kind, Outcome, Reason, RunError};
use serde_json::json;
use stage::{
    model::{Reply, stage, tireless},
    spec,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_interrupt_stops_a_model_a_tool_and_a_wait_at_once() {
    let (mut stage, script) = stage();
    stage.give(spec("slow"), |_, _| Box::pin(std::future::pending()));
    let begin = Reply::begin().token("Let me ");
    type At = fn(&Kind) -> bool;
    let cases: [(Reply, At); 3] = [
        (begin.stall(), |kind| {
            matches!(kind, Kind::MessageDelta { .. })
        }),
        (
            Reply::call(&[("slow", json!({})), ("slow", json!({}))]),
            |kind| matches!(kind, Kind::ToolStarted { .. }),
        ),
        (Reply::status(429, "").retry_after(50), |kind| {
            matches!(kind, Kind::Warning { .. })
        }),
    ];
    for (reply, at) in cases {
        script.push(reply);
        stage.say("go");
        let before = stage.clock.now();
        let driven = stage.drive_until(stage.reader.told(at)).await.unwrap();
        let Driven::Ended(end) = driven else {
            panic!("{driven:?}")
        };
        assert_eq!(end.reason, Reason::Interrupted);
        assert_eq!(stage.outcome(), (Outcome::Cancelled, Reason::Interrupted));
        assert!(stage.clock.now() - before < 100);
        stage.check();
        stage.reader.batches.send_modify(Vec::clear);
    }
    assert!(
        stage
            .results()
            .iter()
            .all(|result| result.state == CallState::Interrupted)
    );
    assert_eq!(stage.results().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_put_down_between_two_steps_and_driven_on() {
    let (mut stage, script) = stage();
    tireless(&mut stage, &script);
    stage.limits.steps = 9;
    stage.slice = Some(2 * SECOND);
    stage.say("go");
    let mut slices = 0;
    let end = loop {
        match stage.drive().await.unwrap() {
            Driven::Ended(end) => break end,
            Driven::Paused => slices += 1,
        }
    };
    stage.check();
    assert_eq!((slices, end.reason), (4, Reason::StepLimit));
    assert_eq!(stage.results().len(), 9);

    // Even a slice of no time gets on by an answer and its calls.
    stage.slice = Some(Duration::ZERO);
    stage.say("go");
    for _ in 0..8 {
        assert_eq!(stage.drive().await.unwrap(), Driven::Paused);
    }
    assert!(matches!(stage.drive().await.unwrap(), Driven::Ended(_)));
    stage.check();
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_and_comes_again_is_told_everything_once() {
    let (mut stage, script) = stage();
    tireless(&mut stage, &script);
    stage.limits.steps = 5;
    stage.say("go");
    let mut gone = 0;
    for leaves in (2..).step_by(3) {
        *stage.reader.leaves.lock().unwrap() = Some(leaves);
        match stage.drive().await {
            Ok(driven) => {
                assert!(matches!(driven, Driven::Ended(_)));
                break;
            }
            Err(RunError::ReaderGone) => gone += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(gone > 3, "{gone}");
    stage.check();

    // One that never heard of the run is told all of it from the steps.
    stage.reader.batches.send_modify(Vec::clear);
    *stage.reader.leaves.lock().unwrap() = None;
    let requests = script.requests().len();
    assert!(matches!(stage.drive().await.unwrap(), Driven::Ended(_)));
    stage.check();
    assert_eq!(script.requests().len(), requests, "nothing is asked for it");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_only_ever_crashes_is_given_up() {
    let (stage, script) = stage();
    script.answer_with(|_| Reply::begin().token("hm").stall());
    stage.say("go");
    for _ in 0..6 {
        // Whoever drives it disappears.
        let told = stage
            .reader
            .told(|kind| matches!(kind, Kind::MessageDelta { .. }));
        tokio::select! {
            _ = stage.drive() => panic!("it cannot end"),
            () = told => {}
        }
        stage.reader.batches.send_modify(|batches| {
            batches.retain(|batch| batch.step.is_some());
        });
    }
    let driven = stage.drive().await.unwrap();
    let Driven::Ended(end) = driven else {
        panic!("{driven:?}")
    };
    assert_eq!(end.reason, Reason::Restarts);
    stage.check();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_drives_can_be_ended() {
    let (mut stage, script) = stage();
    stage.give(spec("slow"), |_, _| Box::pin(std::future::pending()));
    script.push(Reply::call(&[("slow", json!({}))]));
    stage.say("go");
    let told = stage
        .reader
        .told(|kind| matches!(kind, Kind::ToolStarted { .. }));
    tokio::select! {
        _ = stage.drive() => panic!("it cannot end"),
        () = told => {}
    }
    let end = agent::End {
        reason: Reason::Interrupted,
        detail: "the session was deleted".to_owned(),
    };
    assert_eq!(stage.run().end(end.clone()).await.unwrap(), end);
    stage.check();
    // Once.
    assert_eq!(stage.run().end(end.clone()).await.unwrap(), end);
    stage.check();
}
