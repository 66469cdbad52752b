//! `POST /agent-chats`: whole and streamed, with AG-UI's rules of order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::Script;
use serde_json::{Value, json};
use stage::{Stage, ag_ui};
use test_app::Answer;

const LINE: &str = "POST /api/v1/agent-chats";

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_agent_answers_and_the_chat_goes_on() {
    let stage = Stage::start().await;
    stage.model.push(Script::answer(&["Hello", " Ada."]));
    let body = json!({ "message": "I am Ada." });
    let first = stage.call(&stage.ada, LINE, &body).await.done(200);
    assert_eq!(first["output"], "Hello Ada.");
    let events = first["events"].as_array().unwrap();
    ag_ui::check_chat(&first);
    stage.checked_events();
    let expected = [
        "RUN_STARTED",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ];
    assert_eq!(kinds(events), expected);
    assert_eq!(events[0]["thread_id"], first["session_id"]);
    assert_eq!(events[4]["output"], first["output"]);
    stage.model.push(Script::answer(&["You are Ada."]));
    let body = json!({ "message": "Who am I?", "session_id": first["session_id"] });
    let second = stage.call(&stage.ada, LINE, &body).await.done(200);
    assert_eq!(second["session_id"], first["session_id"]);
    assert_ne!(second["events"][0]["run_id"], events[0]["run_id"]);
    let asked = stage.model.request(1).await.json["messages"].to_string();
    assert!(asked.contains("Hello Ada."), "{asked}");
    // Workspace's own sessions are none of these, and nobody sees another's.
    for (token, session) in [
        (&stage.ada, json!(stage.session)),
        (&stage.eve, first["session_id"].clone()),
    ] {
        let body = json!({ "message": "x", "session_id": session });
        stage
            .call(token, LINE, &body)
            .await
            .problem(404, "Session not found");
    }
}

#[tokio::test]
async fn a_stream_is_in_ag_uis_own_words() {
    let stage = Stage::start().await;
    stage
        .accounts
        .sql(
            "UPDATE agents SET tools_config = '{\"tools\":[\"exec\"]}' WHERE type = 'CHAT'",
            Vec::new(),
        )
        .await;
    let call = Script::new().tool_call(0, "c", "exec", "{\"command\":\"ls\"}");
    stage.model.push(call.finish("tool_calls").done());
    stage.model.push(Script::answer(&["It", " says hello."]));
    let body = json!({ "message": "Run ls" });
    let answer = stage
        .open(&stage.ada, LINE, "text/event-stream", &body)
        .await;
    let answer = Answer::read(answer).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = answer.text.split("\n\n").filter(|event| !event.is_empty());
    let events: Vec<Value> = events
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    stage.checked_events();
    for event in &events {
        if event["type"] == "TOOL_CALL_START" {
            assert_eq!(event["toolCallName"], "exec");
            assert!(event["parentMessageId"].is_string());
        }
    }
    ag_ui::check_stream(&events);
    let expected = [
        "RUN_STARTED",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_END",
        "TOOL_CALL_RESULT",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[4]["content"], "hello\n[exit code 0]");
    assert_eq!(events[9]["result"], "It says hello.");
    assert_eq!(events[0]["threadId"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn a_run_that_fails_ends_in_an_error() {
    let stage = Stage::start().await;
    stage.model.push(Script::refusal(400, "no such model"));
    let body = json!({ "message": "Hello" });
    let chat = stage.call(&stage.ada, LINE, &body).await.done(200);
    let events = chat["events"].as_array().unwrap();
    ag_ui::check_chat(&chat);
    stage.checked_events();
    assert_eq!(kinds(events), ["RUN_STARTED", "RUN_ERROR"]);
    assert!(events[1]["error"].is_string());
    assert_eq!(chat["output"], "");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let stage = Stage::start().await;
    for (member, value) in [
        ("message", json!("")),
        ("message", json!("x".repeat(8_001))),
        ("message", Value::Null),
        ("session_id", json!("nonsense")),
        ("session_id", json!("1")),
    ] {
        let mut body = json!({ "message": "x" });
        body[member] = value;
        let answer = stage.call(&stage.ada, LINE, &body).await;
        answer.refused(422);
        assert_eq!(answer.fields(), [member], "{body}");
    }
    let body = json!({ "message": "x" });
    stage.call("nonsense", LINE, &body).await.refused(401);
    // Without a runner no chat is left behind.
    stage
        .runner
        .away
        .store(true, std::sync::atomic::Ordering::SeqCst);
    stage.call(&stage.ada, LINE, &body).await.refused(503);
    let chats = stage
        .all("SELECT uuid FROM sessions WHERE kind = 'runtime'")
        .await;
    assert!(chats.is_empty());
}
