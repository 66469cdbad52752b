//! The team: handing work on, being addressed, and what each is told of the others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{CallState, Driven, Event, Kind, Output, Reason};
use serde_json::{Value, json};
use stage::{
    Stage, agent,
    model::{Reply, Script, stage},
    spec,
};
use std::{sync::Arc, time::Duration};

const URL: &str = "http://models.test/v1";

fn assign(agent: &str, task: &str) -> (&'static str, Value) {
    ("assign", json!({"agent": agent, "task": task}))
}

/// Mike leads Alex, who has a tool, and Emma, who has none.
fn team() -> (Stage, Arc<Script>) {
    let (mut stage, script) = stage();
    let mut alex = agent("Alex", URL);
    alex.tools.push(stage.probe(spec("write"), |_, _| {
        Box::pin(async { Ok(Output::new("written")) })
    }));
    stage.enlist(alex);
    stage.enlist(agent("Emma", URL));
    (stage, script)
}

/// Whose question it is.
fn whose(question: &Value) -> String {
    let system = question["messages"][0]["content"].as_str().unwrap();
    let name = system.trim_start_matches("You are ");
    name.split('.').next().unwrap().to_owned()
}

/// Whether the last message of a question is the result of a tool.
fn has_result(question: &Value) -> bool {
    let messages = question["messages"].as_array().unwrap();
    messages.last().unwrap()["role"] == "tool"
}

fn tools(question: &Value) -> Vec<&str> {
    let tools = question["tools"].as_array();
    let names = tools.into_iter().flatten();
    names
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_lead_hands_work_on_and_gets_the_result() {
    let (stage, script) = team();
    script.answer_with(
        |question| match (whose(question).as_str(), has_result(question)) {
            ("Mike", false) => Reply::call(&[assign("Alex", "Write the file a.txt.")]),
            ("Alex", false) => Reply::call(&[("write", json!({"text": "x"}))]),
            ("Alex", true) => Reply::say(&["a.txt ", "is there"]),
            _ => Reply::say(&["All ", "done"]),
        },
    );
    let end = stage.turn("make a file").await;
    assert_eq!(
        (end.reason, stage.output().as_str()),
        (Reason::Completed, "All done")
    );
    let results = stage.results();
    assert_eq!(
        (results[0].tool.as_str(), results[0].shown.as_str()),
        ("write", "written")
    );
    assert_eq!(
        (results[1].tool.as_str(), results[1].shown.as_str()),
        ("assign", "a.txt is there")
    );

    let requests = script.requests();
    assert_eq!(tools(&requests[0]), ["read_output", "assign"]);
    assert_eq!(tools(&requests[1]), ["write", "read_output"]);
    assert_eq!(
        script.messages(0)[0],
        "system: You are Mike.\n\nYour team, to whom you can hand work with the tool `assign`:\n\
         - Alex: does what Alex does\n- Emma: does what Emma does\n"
    );
    assert_eq!(
        script.messages(1),
        ["system: You are Alex.", "user: Write the file a.txt."]
    );

    let events = stage.reader.events();
    let said: Vec<(&str, &str)> = events
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::MessageDelta { text, .. } => {
                Some((event.agent.as_deref().unwrap(), text.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            ("Alex", "a.txt "),
            ("Alex", "is there"),
            ("Mike", "All "),
            ("Mike", "done")
        ]
    );
    let status: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::Status { status, .. } => Some(format!(
                "{} {status}",
                event.agent.clone().unwrap_or_default()
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        status,
        [
            "Mike working",
            "Mike assigned",
            "Mike reviewing",
            "Mike finished"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn several_work_at_once_even_if_their_calls_have_the_same_ids() {
    let (stage, script) = team();
    let slow = Duration::from_secs(3);
    script.answer_with(
        move |question| match (whose(question).as_str(), has_result(question)) {
            ("Mike", false) => Reply::call(&[
                assign("Alex", "one"),
                assign("Emma", "two"),
                assign("Alex", "three"),
            ]),
            ("Alex", false) => Reply::begin()
                .wait(slow)
                .with_call("call_0", 0, "write", "{}")
                .done(),
            ("Alex", true) => Reply::say(&["written"]),
            ("Emma", _) => Reply::say(&["thought"]),
            _ => Reply::say(&["done"]),
        },
    );
    let before = stage.clock.now();
    stage.turn("go").await;
    assert!(
        stage.clock.now() - before < 3_500,
        "the slow ones work side by side"
    );
    let assigned: Vec<String> = stage
        .results()
        .into_iter()
        .filter(|result| result.tool == "assign")
        .map(|result| result.shown)
        .collect();
    assert_eq!(assigned, ["written", "thought", "written"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_hands_on_what_was_handed_on() {
    let (mut stage, script) = team();
    let mut bob = agent("Bob", URL);
    bob.leads = true;
    stage.enlist(bob);
    script.answer_with(
        |question| match (whose(question).as_str(), has_result(question)) {
            ("Mike", false) => Reply::call(&[assign("Bob", "plan")]),
            ("Bob", false) => Reply::call(&[assign("Alex", "do")]),
            ("Bob", true) => Reply::say(&["I could not"]),
            _ => Reply::say(&["done"]),
        },
    );
    stage.turn("go").await;
    let results = stage.results();
    assert_eq!(results[0].state, CallState::Refused);
    assert!(
        results[0].shown.contains("you have no tools"),
        "{:?}",
        results[0]
    );
    assert_eq!(results[1].shown, "I could not");

    // With one level more, he may.
    stage.limits.depth = 3;
    script.answer_with(
        |question| match (whose(question).as_str(), has_result(question)) {
            ("Mike", false) => Reply::call(&[assign("Bob", "plan")]),
            ("Bob", false) => Reply::call(&[assign("Alex", "do")]),
            (name, _) => Reply::say(&[&format!("{name} is done")]),
        },
    );
    stage.turn("go again").await;
    let shown: Vec<String> = stage
        .results()
        .into_iter()
        .skip(2)
        .map(|result| result.shown)
        .collect();
    assert_eq!(shown, ["Alex is done", "Bob is done"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_assignment_is_given_back() {
    for (agent, said) in [
        ("Eve", "must be one of \"Alex\", \"Emma\""),
        ("Mike", "must be one of"),
    ] {
        let (stage, script) = team();
        script.push(Reply::call(&[assign(agent, "x")]));
        script.push(Reply::say(&["oh"]));
        stage.turn("go").await;
        assert!(
            stage.results()[0].shown.contains(said),
            "{:?}",
            stage.results()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_who_fails_is_told_to_the_lead() {
    let (mut stage, script) = team();
    stage.limits.retries = 0;
    script.answer_with(
        |question| match (whose(question).as_str(), has_result(question)) {
            ("Mike", false) => Reply::call(&[assign("Alex", "x"), assign("Emma", "y")]),
            ("Mike", true) => Reply::say(&["I see"]),
            ("Emma", _) => Reply::begin().token("Well").broken(),
            _ => Reply::status(500, "x"),
        },
    );
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    let results = stage.results();
    assert!(
        results
            .iter()
            .all(|result| result.state == CallState::Failed)
    );
    assert!(results[0].shown.starts_with("Not done: "), "{results:?}");
    assert!(
        results[1].shown.ends_with("The last message was:\nWell"),
        "{results:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_the_run_holds_for_all_together() {
    let (mut stage, script) = team();
    stage.limits.steps = 6;
    let n = std::sync::atomic::AtomicU64::new(0);
    script.answer_with(move |question| match whose(question).as_str() {
        "Mike" => Reply::call(&[assign("Alex", "x")]),
        _ => {
            let n = n.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Reply::call(&[("write", json!({"n": n}))])
        }
    });
    assert_eq!(stage.turn("go").await.reason, Reason::StepLimit);
    assert_eq!(script.requests().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn whom_the_user_addresses_answers() {
    let (stage, script) = team();
    script.answer_with(|question| Reply::say(&[&format!("I am {}", whose(question))]));
    stage.turn("hello").await;
    assert_eq!(stage.output(), "I am Mike");
    stage.turn("@alex, fix it").await;
    assert_eq!(stage.output(), "I am Alex");
    assert_eq!(
        script.messages(1),
        [
            "system: You are Alex.",
            "user: hello",
            "user: [Mike said to the user]\nI am Mike",
            "user: @alex, fix it"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_agent_remembers_its_earlier_tasks() {
    let (stage, script) = team();
    for n in 0..6 {
        script.push(Reply::call(&[assign("Emma", &format!("task {n}"))]));
        script.push(Reply::say(&[&format!("result {n}")]));
        script.push(Reply::say(&["ok"]));
        stage.turn("go").await;
    }
    let last = script.messages(16);
    assert_eq!(last.len(), 1 + 2 * 4 + 1);
    assert_eq!(last[1..3], ["user: task 1", "assistant: result 1"]);
    assert_eq!(last.last().unwrap(), "user: task 5");
}

#[tokio::test(start_paused = true)]
async fn handed_on_work_is_put_down_and_taken_up() {
    let (mut stage, script) = team();
    stage.slice = Some(Duration::ZERO);
    script.answer_with(|question| {
        match (
            whose(question).as_str(),
            question["messages"].as_array().unwrap().len(),
        ) {
            ("Mike", 2) => Reply::call(&[
                assign("Alex", "x"),
                assign("Emma", "y"),
                ("read_output", json!({"call_id": "?"})),
            ]),
            ("Alex", n @ 2..8) => Reply::call(&[("write", json!({"n": n}))]),
            (name, _) => Reply::say(&[&format!("{name} is done")]),
        }
    });
    stage.say("go");
    let mut slices = 0;
    let end = loop {
        match stage.drive().await.unwrap() {
            Driven::Ended(end) => break end,
            Driven::Paused => slices += 1,
        }
        assert!(slices < 50);
    };
    stage.check();
    assert_eq!(end.reason, Reason::Completed);
    assert!(slices >= 4, "{slices}");
    // Nothing was interrupted by being put down.
    let states: Vec<CallState> = stage.results().iter().map(|result| result.state).collect();
    assert!(!states.contains(&CallState::Interrupted), "{states:?}");
    assert_eq!(stage.calls.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_closes_the_inner_before_the_outer() {
    let (stage, script) = team();
    script.answer_with(|question| match whose(question).as_str() {
        "Mike" => Reply::call(&[assign("Alex", "x"), assign("Emma", "y")]),
        _ => Reply::begin().token("I am at").stall(),
    });
    stage.say("go");
    let both = stage.reader.batches.subscribe();
    let told = async move {
        let mut both = both;
        let speaking = |event: &Event| matches!(event.kind, Kind::MessageDelta { .. });
        let enough = both.wait_for(|batches| {
            let events = batches.iter().flat_map(|batch| &batch.events);
            events.filter(|event| speaking(event)).count() == 2
        });
        enough.await.unwrap();
    };
    let driven = stage.drive_until(told).await.unwrap();
    assert!(matches!(driven, Driven::Ended(end) if end.reason == Reason::Interrupted));
    stage.check();
}
