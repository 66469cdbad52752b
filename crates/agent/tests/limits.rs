//! What ends a run that does not end by itself, and what it does about a server's faults.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{Body, CallState, Cost, Kind, MessageState, Outcome, Output, Reason};
use serde_json::{Value, json};
use stage::{
    Stage,
    model::{Reply, Script, stage, tireless},
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

#[tokio::test(start_paused = true)]
async fn every_limit_ends_the_run_and_says_so() {
    type Change = fn(&mut Stage);
    let cases: [(Reason, usize, &str, Change); 5] = [
        (Reason::StepLimit, 7, "7 steps", |stage| {
            stage.limits.steps = 7;
        }),
        (Reason::StepLimit, 4, "Mike's limit of 4 steps", |stage| {
            stage.mike(|mike| mike.steps = 4);
        }),
        (Reason::TokenLimit, 5, "450 tokens", |stage| {
            stage.limits.tokens = 450;
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
        assert_eq!(stage.outcome(), (Outcome::Failed, reason));
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
