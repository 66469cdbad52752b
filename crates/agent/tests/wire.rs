//! The loop over the real wire: sockets, and servers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use agent::{Driven, Kind, MessageState, Output, Reason};
use model_stub::scripted::{Gate, Outcome, Script, ScriptedModel};
use platform_native::{HyperHttp, SystemClock};
use serde_json::json;
use stage::{Stage, agent, spec};
use std::{sync::Arc, time::Duration};

async fn scripted() -> (Stage, ScriptedModel) {
    let model = ScriptedModel::start().await.unwrap();
    let http = Arc::new(HyperHttp::new().unwrap());
    let stage = Stage::new(http, Arc::new(SystemClock), &model.base_url());
    (stage, model)
}

fn call(tool: &str, arguments: &str) -> Script {
    Script::new()
        .tool_call(0, "call_1", tool, arguments)
        .finish("tool_calls")
        .done()
}

#[tokio::test]
async fn a_team_at_work() {
    let (mut stage, model) = scripted().await;
    let mut alex = agent("Alex", &model.base_url());
    alex.tools
        .push(stage.probe(spec("write"), |arguments, caller| {
            Box::pin(async move {
                caller.put_out("…").await;
                Ok(Output::new(format!("wrote {}", arguments["text"])))
            })
        }));
    stage.enlist(alex);
    model.push(call("assign", r#"{"agent":"Alex","task":"Write ä."}"#));
    model.push(call("write", r#"{"text":"ä"}"#));
    model.push(
        Script::new()
            .torn_token("Grüße, 世界")
            .finish("stop")
            .usage(9, 9)
            .done(),
    );
    model.push(Script::answer(&["All", " done"]));
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    assert_eq!(stage.output(), "All done");
    let shown: Vec<String> = stage
        .results()
        .into_iter()
        .map(|result| result.shown)
        .collect();
    assert_eq!(shown, ["wrote \"ä\"", "Grüße, 世界"]);
    let last = &model.requests()[3].json;
    assert_eq!(last["messages"][3]["content"], "Grüße, 世界");
}

#[tokio::test]
async fn calls_in_every_shape_that_servers_send() {
    let (mut stage, model) = scripted().await;
    stage.give_echo();
    let shapes = [
        json!({"tool_calls": [{"function": {"name": "echo", "arguments": {"n": 1}}}]}),
        json!({"tool_calls": [{"index": 0, "id": "", "function": {"name": "echo", "arguments": "{\"n\":2}"}}]}),
        json!({"tool_calls": [
            {"index": 0, "id": "x", "function": {"name": "echo", "arguments": "{\"n\":3}"}},
            {"index": 0, "id": "y", "function": {"name": "echo", "arguments": "{\"n\":4}"}}
        ]}),
        json!({"tool_calls": [{"index": 1, "id": "x", "function": {"name": "echo", "arguments": "{\"n\":5}"}}]}),
    ];
    for shape in shapes {
        model.push(Script::new().delta(&shape).finish("stop").done());
    }
    model.push(Script::answer(&["ok"]));
    assert_eq!(stage.turn("go").await.reason, Reason::Completed);
    let shown: Vec<String> = stage
        .results()
        .into_iter()
        .map(|result| result.shown)
        .collect();
    assert_eq!(shown, ["echo 1", "echo 2", "echo 3", "echo 4", "echo 5"]);
}

#[tokio::test]
async fn faults_before_the_first_word_are_tried_again() {
    for fault in [
        Script::refusal(429, "slow down").header("retry-after", "0"),
        Script::refusal(500, "oops").header("retry-after", "0"),
        Script::new().head().reset(),
        Script::new().head().cut(),
        Script::new().error("overloaded"),
        Script::new().reasoning("hm").reset(),
        Script::new().tool_call(0, "a", "echo", "{\"n\":1}").reset(),
    ] {
        let (mut stage, model) = scripted().await;
        stage.give_echo();
        model.push(fault.clone());
        model.push(Script::answer(&["here"]));
        assert_eq!(
            stage.turn("go").await.reason,
            Reason::Completed,
            "{fault:?}"
        );
        assert_eq!(model.requests().len(), 2);
        assert!(stage.calls.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn faults_after_the_first_word_end_the_run() {
    let begin = || Script::new().tokens(&["Half ", "of"]);
    for fault in [
        begin().reset(),
        begin().cut(),
        begin().error("oops"),
        begin().data("{"),
    ] {
        let (stage, model) = scripted().await;
        model.push(fault.clone());
        assert_eq!(
            stage.turn("go").await.reason,
            Reason::ModelFailed,
            "{fault:?}"
        );
        let ended = stage
            .reader
            .kinds()
            .into_iter()
            .find_map(|kind| match kind {
                Kind::MessageEnded { text, state, .. } => Some((text, state)),
                _ => None,
            });
        assert_eq!(ended, Some(("Half of".to_owned(), MessageState::Failed)));
        assert_eq!(model.requests().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_get_better_is_not_tried_again() {
    for (status, message) in [
        (400, "bad"),
        (401, "key sk-1"),
        (404, "no model"),
        (200, "not json"),
    ] {
        let (stage, model) = scripted().await;
        model.push(match status {
            200 => Script::new().data(message),
            _ => Script::refusal(status, message),
        });
        let end = stage.turn("go").await;
        assert_eq!(end.reason, Reason::ModelFailed, "{status}");
        assert!(!end.detail.contains(message), "{end:?}");
        assert_eq!(model.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let (mut stage, model) = scripted().await;
    model.kill().await;
    stage.limits.retries = 1;
    assert_eq!(stage.turn("go").await.reason, Reason::ModelFailed);
}

#[tokio::test]
async fn an_interrupt_reaches_the_model() {
    for script in [
        Script::new().head().stall(),
        Script::new().token("I am").stall(),
        Script::new().forever("la ", Duration::from_millis(1)),
    ] {
        let (stage, model) = scripted().await;
        model.push(script);
        stage.say("go");
        let asked = async {
            model.request(0).await;
        };
        let driven = stage.drive_until(asked).await.unwrap();
        assert!(matches!(driven, Driven::Ended(end) if end.reason == Reason::Interrupted));
        let left = tokio::time::timeout(Duration::from_secs(20), model.outcome(0)).await;
        assert_eq!(left.unwrap(), Outcome::ClientLeft);
        stage.check();
    }
}

#[tokio::test]
async fn dropping_the_run_closes_the_exchange_and_leaves_it_to_be_driven_on() {
    let (stage, model) = scripted().await;
    let gate = Gate::new();
    model.push(Script::new().token("I was").hold(&gate));
    stage.say("go");
    let told = stage
        .reader
        .told(|kind| matches!(kind, Kind::MessageDelta { .. }));
    tokio::select! {
        _ = stage.drive() => panic!("it is held"),
        () = told => {}
    }
    assert_eq!(model.outcome(0).await, Outcome::ClientLeft);
    model.push(Script::answer(&["I am back"]));
    let driven = stage.drive().await.unwrap();
    assert!(matches!(driven, Driven::Ended(end) if end.reason == Reason::Completed));
    stage.check();
    assert_eq!(stage.output(), "I am back");
    let interrupted = |kind: &Kind| matches!(kind, Kind::MessageEnded { state, .. } if *state == MessageState::Interrupted);
    assert!(stage.reader.kinds().iter().any(interrupted));
}
