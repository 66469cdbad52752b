//! What ends a run that does not end by itself, what shortens it, and what puts it down.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{Body, CallState, Cost, Driven, Kind, MessageState, Outcome, Output, Reason, RunError};
use serde_json::{Value, json};
use stage::{
    Stage,
    model::{Reply, Script, stage},
    spec,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

/// A model that calls for ever, each time with another number.
fn tireless(stage: &mut Stage, script: &Script) {
    stage.give_echo();
    let n = AtomicU64::new(0);
    script.answer_with(move |_| {
        let n = n.fetch_add(1, Ordering::Relaxed);
        Reply::begin()
            .token("On it. ")
            .with_call("c", 0, "echo", &json!({"n": n}).to_string())
            .usage(90, 10)
            .wait(SECOND)
            .done()
    });
}

fn outcome(stage: &Stage) -> (Outcome, Reason) {
    match stage.reader.kinds().pop() {
        Some(Kind::RunEnded {
            outcome, reason, ..
        }) => (outcome, reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_limit_ends_the_run_and_says_so() {
    type Change = fn(&mut Stage);
    let cases: [(Reason, usize, &str, Change); 5] = [
        (Reason::StepLimit, 7, "7 steps", |stage| {
            stage.limits.steps = 7
        }),
        (Reason::StepLimit, 4, "Mike's limit of 4 steps", |stage| {
            stage.mike(|mike| mike.steps = 4)
        }),
        (Reason::TokenLimit, 5, "450 tokens", |stage| {
            stage.limits.tokens = 450
        }),
        (Reason::CostLimit, 3, "cost", |stage| {
            stage.limits.cost = Some(Cost::from_micros(250));
        }),
        (Reason::TimeLimit, 5, "5 s", |stage| {
            stage.limits.time = Duration::from_millis(5_500);
        }),
    ];
    for (reason, asked, said, change) in cases {
        let (mut stage, script) = stage();
        tireless(&mut stage, &script);
        change(&mut stage);
        let end = stage.turn("go").await;
        assert_eq!(end.reason, reason);
        assert!(end.detail.contains(said), "{end:?}");
        assert_eq!(outcome(&stage), (Outcome::Failed, reason));
        let is_answer = |body: &Body| matches!(body, Body::Answer(answer) if answer.state == MessageState::Complete);
        let answers = stage
            .record
            .steps()
            .into_iter()
            .filter(|step| is_answer(&step.body));
        assert_eq!(answers.count(), asked, "{reason:?}");
        assert_eq!(stage.output(), "On it. ");
    }
}

#[tokio::test(start_paused = true)]
async fn time_runs_out_in_the_middle_of_an_answer_and_of_a_tool() {
    let (mut stage, script) = stage();
    stage.limits.time = 10 * SECOND;
    script.push(Reply::begin().token("I am thin").stall());
    assert_eq!(stage.turn("go").await.reason, Reason::TimeLimit);
    let ended = |kind: &Kind| {
        matches!(kind, Kind::MessageEnded { text, state, .. }
            if text == "I am thin" && *state == MessageState::Interrupted)
    };
    assert!(stage.reader.kinds().iter().any(ended));

    stage.give(spec("slow"), |_, _| Box::pin(std::future::pending()));
    script.push(Reply::call(&[("slow", json!({}))]));
    assert_eq!(stage.turn("again").await.reason, Reason::TimeLimit);
    assert_eq!(stage.results()[0].state, CallState::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_goes_round_in_circles_is_warned_then_stopped() {
    for round in [1, 2, 3] {
        let (mut stage, script) = stage();
        stage.give_echo();
        let n = AtomicU64::new(0);
        script.answer_with(move |_| {
            let n = n.fetch_add(1, Ordering::Relaxed) % round;
            Reply::call(&[("echo", json!({"n": n}))])
        });
        let end = stage.turn("go").await;
        assert_eq!(end.reason, Reason::Looping);
        assert_eq!(u64::try_from(stage.results().len()).unwrap(), 5 * round);
        let notices = stage
            .record
            .steps()
            .into_iter()
            .filter(|step| matches!(step.body, Body::Notice { .. }));
        assert_eq!(notices.count(), 1);
        let told = script.requests().last().unwrap().to_string();
        assert!(
            told.contains("Doing it again will not change anything"),
            "{told}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_heeds_the_warning_goes_on() {
    let (mut stage, script) = stage();
    stage.give_echo();
    script.answer_with(
        |question| match question.to_string().contains("Notice of the platform") {
            true => Reply::say(&["It cannot be done."]),
            false => Reply::call(&[("echo", json!({"n": 1}))]),
        },
    );
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    assert_eq!(stage.output(), "It cannot be done.");
}

#[tokio::test(start_paused = true)]
async fn work_that_gets_on_is_no_circle() {
    let (mut stage, script) = stage();
    let count = Arc::new(AtomicU64::new(0));
    // The same call each time, but never the same result.
    stage.give(spec("poll"), move |_, _| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(Output::new(format!("{n} of 9 done"))) })
    });
    let asked = AtomicU64::new(0);
    script.answer_with(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0..10 => Reply::call(&[("poll", json!({}))]),
        _ => Reply::say(&["all done"]),
    });
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_context_that_outgrows_the_window_is_summarised() {
    let (mut stage, script) = stage();
    stage.give(spec("page"), |arguments, _| {
        let text = format!("page {} {}", arguments["n"], "word ".repeat(400));
        Box::pin(async move { Ok(Output::new(text)) })
    });
    stage.mike(|mike| mike.model.window = 4_000);
    let n = AtomicU64::new(0);
    script.answer_with(move |question| {
        let is_summary = question["tools"].is_null();
        if is_summary {
            return Reply::say(&["So far pages were read."]).usage(1_000, 50);
        }
        match n.fetch_add(1, Ordering::Relaxed) {
            n if n < 20 => Reply::call(&[("page", json!({"n": n}))]),
            _ => Reply::say(&["read them all"]),
        }
    });
    assert_eq!(
        stage.turn("read all pages of the book").await.reason,
        Reason::Completed
    );
    let compactions = stage
        .reader
        .kinds()
        .into_iter()
        .filter(|kind| matches!(kind, Kind::Compacted { .. }));
    assert!(compactions.count() >= 2);
    for request in script.requests() {
        assert!(request.to_string().len() < 4 * 4_000, "it fits the window");
        check_pairs(&request);
    }
    // The originals are kept.
    assert_eq!(stage.results().len(), 20);
    let last = script.messages(script.requests().len() - 1);
    assert_eq!(
        last[1],
        "user: [Summary of what happened before]\nSo far pages were read."
    );
    assert_eq!(last[2], "user: read all pages of the book");

    // A further turn begins with the summary.
    script.push(Reply::say(&["Yes."]));
    stage.turn("did you?").await;
    let last = script.messages(script.requests().len() - 1);
    assert!(last[1].contains("So far pages were read."));
    assert_eq!(last.last().unwrap(), "user: did you?");
}

/// Every result follows the call that it belongs to, and every call has one.
fn check_pairs(request: &Value) {
    let mut open: Vec<&str> = Vec::new();
    for message in request["messages"].as_array().unwrap() {
        match message["role"].as_str().unwrap() {
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap();
                assert_eq!(open.remove(0), id, "{request}");
            }
            _ => assert!(open.is_empty(), "{request}"),
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            open.push(call["id"].as_str().unwrap());
        }
    }
    assert!(open.is_empty(), "{request}");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_smaller_window_than_was_said() {
    let (mut stage, script) = stage();
    stage.give_echo();
    script.answer_with(|question| {
        let messages = question["messages"].as_array().unwrap().len();
        if question["tools"].is_null() {
            return Reply::say(&["summary"]);
        }
        match messages {
            8.. => Reply::status(400, "This model's maximum context length is 10 tokens."),
            _ if question.to_string().contains("summary") => Reply::say(&["done"]),
            n => Reply::call(&[("echo", json!({"n": n}))]),
        }
    });
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    assert_eq!(stage.output(), "done");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_shortened_is_said() {
    let (mut stage, _) = stage();
    stage.mike(|mike| mike.model.window = 100);
    let end = stage.turn(&"long words ".repeat(100)).await;
    assert_eq!(end.reason, Reason::ContextTooLong);

    let (stage, script) = stage_();
    script.answer_with(|_| Reply::status(400, "prompt is too long"));
    assert_eq!(stage.turn("go").await.reason, Reason::ContextTooLong);
}

fn stage_() -> (Stage, Arc<Script>) {
    stage()
}

#[tokio::test(start_paused = true)]
async fn a_summary_that_does_not_come_ends_the_run() {
    for failing in [Reply::say(&["  "]), Reply::status(401, "no key")] {
        let (mut stage, script) = stage();
        stage.mike(|mike| mike.model.window = 2_000);
        stage.give(spec("page"), |_, _| {
            Box::pin(async move { Ok(Output::new("word ".repeat(2_000))) })
        });
        let n = AtomicU64::new(0);
        script.answer_with(move |question| match question["tools"].is_null() {
            true => failing.clone(),
            false => Reply::call(&[("page", json!({"n": n.fetch_add(1, Ordering::Relaxed)}))]),
        });
        let end = stage.turn("go").await;
        assert_eq!(end.reason, Reason::ModelFailed);
        assert!(end.detail.contains("could not be summarised"), "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again() {
    let (stage, script) = stage();
    script.push(Reply::status(429, "slow down").retry_after(7));
    script.push(Reply::status(503, "secret host is down"));
    script.push(Reply::begin().broken());
    script.push(Reply::say(&["here"]));
    let before = stage.clock.now();
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    let waited = stage.clock.now() - before;
    // 7 s as asked for, then 1 s and 2 s (halved at the least).
    assert!((10_000..=11_000).contains(&waited), "{waited}");
    let warnings: Vec<String> = stage
        .reader
        .kinds()
        .into_iter()
        .filter_map(|kind| match kind {
            Kind::Warning { code, text } if code == "retrying" => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 3);
    assert!(!warnings.concat().contains("secret"), "{warnings:?}");
    assert!(
        stage
            .record
            .logs
            .lock()
            .unwrap()
            .concat()
            .contains("secret host is down")
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_busy_is_given_up() {
    let (stage, script) = stage();
    script.answer_with(|_| Reply::status(503, "busy"));
    let end = stage.turn("go").await;
    assert_eq!(end.reason, Reason::ModelFailed);
    assert_eq!(script.requests().len(), 6);

    for refusal in [
        Reply::status(429, "x").retry_after(3_600),
        Reply::status(401, "x"),
    ] {
        let (stage, script) = stage_();
        script.push(refusal);
        assert_eq!(stage.turn("go").await.reason, Reason::ModelFailed);
        assert_eq!(script.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_is_not_asked_for_again() {
    let (stage, script) = stage();
    script.push(Reply::begin().token("Half an ans").broken());
    let end = stage.turn("go").await;
    assert_eq!(end.reason, Reason::ModelFailed);
    assert_eq!(script.requests().len(), 1);
    let ended = stage
        .reader
        .kinds()
        .into_iter()
        .find_map(|kind| match kind {
            Kind::MessageEnded { text, state, .. } => Some((text, state)),
            _ => None,
        });
    assert_eq!(
        ended,
        Some(("Half an ans".to_owned(), MessageState::Failed))
    );

    // A call that was not finished was not shown.
    let (mut stage, script) = stage_();
    stage.give_echo();
    script.push(Reply::begin().with_call("c", 0, "echo", "{\"n\":").broken());
    script.push(Reply::say(&["fine"]));
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    assert!(stage.results().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_stops_a_model_a_tool_and_a_wait_at_once() {
    let (mut stage, script) = stage();
    stage.give(spec("slow"), |_, _| Box::pin(std::future::pending()));
    let begin = Reply::begin().token("Let me ");
    let cases: [(Reply, fn(&Kind) -> bool); 3] = [
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
        assert_eq!(outcome(&stage), (Outcome::Cancelled, Reason::Interrupted));
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
