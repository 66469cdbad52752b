//! Whatever the model answers, the tools do, and wherever it crashes: no call is carried out
//! twice, readers are told everything once, and the run ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod stage;

use agent::{CallState, Driven, Output, RunError, ToolError};
use proptest::prelude::*;
use serde_json::{Value, json};
use stage::{
    Crash, Stage, agent,
    model::{Reply, stage},
    results, spec,
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// What the model says to one question.
#[derive(Clone, Debug)]
enum Said {
    Words,
    Nothing,
    Calls(Vec<Called>),
    Refused(u16),
    BrokenBefore,
    BrokenAfter,
}

#[derive(Clone, Debug)]
enum Called {
    Echo(u8),
    Slow,
    Failing,
    Long,
    Unknown,
    Malformed,
    Assign,
    ReadOutput,
}

fn said() -> impl Strategy<Value = Said> {
    let called = prop_oneof![
        4 => (0..3_u8).prop_map(Called::Echo),
        1 => Just(Called::Slow),
        1 => Just(Called::Failing),
        1 => Just(Called::Long),
        1 => Just(Called::Unknown),
        1 => Just(Called::Malformed),
        2 => Just(Called::Assign),
        1 => Just(Called::ReadOutput),
    ];
    prop_oneof![
        1 => Just(Said::Words),
        1 => Just(Said::Nothing),
        8 => prop::collection::vec(called, 1..5).prop_map(Said::Calls),
        1 => prop::sample::select(vec![400, 429, 500, 503]).prop_map(Said::Refused),
        1 => Just(Said::BrokenBefore),
        1 => Just(Said::BrokenAfter),
    ]
}

fn reply(said: &Said) -> Reply {
    match said {
        Said::Words => Reply::say(&["Some ", "words"]),
        Said::Nothing => Reply::say(&[]).finish("stop"),
        Said::Calls(calls) => {
            let calls: Vec<(&str, String)> = calls.iter().map(call).collect();
            Reply::call_raw(&calls)
        }
        Said::Refused(status) => Reply::status(*status, "no"),
        Said::BrokenBefore => Reply::begin().broken(),
        Said::BrokenAfter => Reply::begin().token("Half").broken(),
    }
}

fn call(called: &Called) -> (&'static str, String) {
    let (tool, arguments): (_, Value) = match called {
        Called::Echo(n) => ("echo", json!({"n": n})),
        Called::Slow => ("slow", json!({})),
        Called::Failing => ("failing", json!({})),
        Called::Long => ("long", json!({})),
        Called::Unknown => ("unknown", json!({})),
        Called::Malformed => return ("echo", "{\"n\":".to_owned()),
        Called::Assign => ("assign", json!({"agent": "Alex", "task": "help"})),
        Called::ReadOutput => ("read_output", json!({"call_id": "call_0", "offset": 3})),
    };
    (tool, arguments.to_string())
}

fn equip(stage: &mut Stage) {
    stage.give_echo();
    stage.give(spec("failing"), |_, _| {
        Box::pin(async { Err(ToolError("no".to_owned())) })
    });
    stage.give(spec("long"), |_, caller| {
        Box::pin(async {
            caller.put_out("long…").await;
            Ok(Output::new("x".repeat(5_000)))
        })
    });
    let slow = agent::Spec {
        timeout: Some(Duration::from_secs(1)),
        parallel: false,
        ..spec("slow")
    };
    stage.give(slow, |_, _| Box::pin(std::future::pending()));
    let tools = stage.team.agents().first().unwrap().tools.clone();
    let mut alex = agent("Alex", "http://models.test/v1");
    alex.tools = tools;
    stage.enlist(alex);
    stage.limits.steps = 12;
    stage.limits.output_shown = 1_024;
}

/// Runs the whole story; the reader goes and the record fails where it is said.
async fn play(
    story: Vec<Said>,
    crashes: Vec<(usize, bool)>,
    leaves: Vec<usize>,
    slice: Option<Duration>,
) {
    let (mut stage, script) = stage();
    equip(&mut stage);
    stage.slice = slice;
    let next = AtomicUsize::new(0);
    script.answer_with(move |_| {
        let next = next.fetch_add(1, Ordering::Relaxed);
        story
            .get(next)
            .map_or_else(|| Reply::say(&["The end"]), reply)
    });
    stage.say("go");
    let mut crashes = crashes.into_iter();
    let mut leaves = leaves.into_iter();
    for attempt in 0.. {
        assert!(attempt < 200, "it always ends");
        let stored = stage.record.steps().len();
        let crash = crashes
            .next()
            .map(|(after, stored_first)| match stored_first {
                true => Crash::After(stored + after),
                false => Crash::Before(stored + after),
            });
        *stage.record.crash.lock().unwrap() = crash;
        let told = stage.reader.batches.borrow().len();
        *stage.reader.leaves.lock().unwrap() = leaves.next().map(|after| told + after);
        let before = stage.record.steps();
        match stage.drive().await {
            Ok(Driven::Ended(_)) => break,
            Ok(Driven::Paused) => {}
            Err(RunError::Record(_) | RunError::ReaderGone) => {}
        }
        let after = stage.record.steps();
        assert!(after.starts_with(&before), "what is stored stays");
    }
    stage.check();
    // A call that reached a tool, and whose result nobody learnt, is interrupted, not repeated.
    let reached = stage.calls.lock().unwrap().clone();
    for result in results(&stage.record.steps()) {
        let is_tool = !matches!(result.tool.as_str(), "assign" | "read_output");
        if is_tool && result.state == CallState::Done {
            assert!(reached.contains(&result.call_id), "{result:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_story_ends_and_repeats_nothing(
        story in prop::collection::vec(said(), 0..16),
        crashes in prop::collection::vec((0..6_usize, any::<bool>()), 0..12),
        leaves in prop::collection::vec(0..20_usize, 0..6),
        slice in prop::option::of((0..3_u64).prop_map(Duration::from_secs)),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(story, crashes, leaves, slice));
    }
}

/// A crash at each single step of one story, before and after it is stored.
#[test]
fn a_crash_at_every_step_of_a_story() {
    let story = vec![
        Said::Calls(vec![
            Called::Echo(1),
            Called::Assign,
            Called::Slow,
            Called::Echo(2),
        ]),
        Said::Calls(vec![Called::Long, Called::Failing]),
        Said::Words,
        Said::Calls(vec![Called::Malformed, Called::ReadOutput]),
        Said::Words,
    ];
    for step in 0..30 {
        for stored_first in [false, true] {
            for again in [0, 1, 2] {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .start_paused(true)
                    .build()
                    .unwrap();
                let crashes = vec![(step, stored_first), (again, !stored_first)];
                runtime.block_on(play(story.clone(), crashes, Vec::new(), None));
            }
        }
    }
}
