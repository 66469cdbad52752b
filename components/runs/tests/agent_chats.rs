//! `POST /agent-chats`: whole and streamed, with AG-UI's rules of order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::{Outcome, Script};
use serde_json::{Value, json};
use stage::{Stage, ag_ui};
use std::{sync::atomic::Ordering, time::Duration};
use test_app::{Answer, Reply, Way};

const LINE: &str = "POST /api/v1/agent-chats";

const LONG: Duration = Duration::from_secs(60);

/// The events of a stream.
fn streamed(answer: &Answer) -> Vec<Value> {
    let events = answer.text.split("\n\n").filter(|event| !event.is_empty());
    let events = events.map(|event| event.strip_prefix("data: ").unwrap());
    events
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

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
    assert_eq!(events[3]["status"], "complete");
    assert_eq!(events[4]["output"], first["output"]);
    assert_ne!(first["usage"]["output_tokens"], json!(0));
    assert_eq!(events[4]["usage"], first["usage"]);
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
async fn a_chat_whose_model_says_nothing_is_done() {
    let stage = Stage::start().await;
    stage.model.push(Script::answer(&[" \n"]));
    let body = json!({ "message": "Be silent." });
    let chat = stage.call(&stage.ada, LINE, &body).await.done(200);
    assert_eq!(chat["output"], "Done.");
    ag_ui::check_chat(&chat);
    stage.checked_events();
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
    let events = streamed(&answer);
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
    let usage = &events[9]["usage"];
    assert_ne!(usage["outputTokens"], json!(0));
    assert!(
        usage["inputTokens"].is_u64() && usage["cost"].is_f64(),
        "{usage}"
    );
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
async fn a_message_that_is_cut_short_says_so() {
    let stage = Stage::start().await;
    stage
        .model
        .push(Script::new().tokens(&["Half ", "of"]).cut());
    let body = json!({ "message": "Hello" });
    let chat = stage.call(&stage.ada, LINE, &body).await.done(200);
    ag_ui::check_chat(&chat);
    let events = chat["events"].as_array().unwrap().iter();
    let mut ends = events.filter(|event| event["type"] == "TEXT_MESSAGE_END");
    assert_eq!(ends.next().unwrap()["status"], "failed");
}

#[tokio::test]
async fn a_stream_whose_lines_end_tells_the_rest_and_nothing_twice() {
    // One line for each of the first two steps, and one for a piece of the answer.
    for lines in [1, 2, 3, 4] {
        let stage = Stage::start().await;
        stage.runner.cut_after.store(lines, Ordering::SeqCst);
        stage.model.push(Script::answer(&["Hello", " Ada."]));
        let body = json!({ "message": "I am Ada." });
        let telling = stage.open(&stage.ada, LINE, "text/event-stream", &body);
        let telling = Answer::read(telling.await);
        let told = tokio::time::timeout(LONG, telling).await.unwrap();
        let events = streamed(&told);
        ag_ui::check_stream(&events);
        assert_eq!(events.last().unwrap()["result"], "Hello Ada.");
    }
}

#[tokio::test]
async fn a_stream_that_cannot_go_on_ends_in_ag_uis_own_way() {
    let message = Script::new().head().token("On and").stall();
    let call = Script::new().tool_call(0, "c", "exec", "{\"command\":\"sleep 9\"}");
    let call = call.finish("tool_calls").done();
    let speaks: fn(&agent::Kind) -> bool = |kind| matches!(kind, agent::Kind::MessageDelta { .. });
    let works: fn(&agent::Kind) -> bool = |kind| matches!(kind, agent::Kind::ToolStarted { .. });
    for (script, is_open, end) in [
        (message, speaks, "TEXT_MESSAGE_END"),
        (call, works, "TOOL_CALL_RESULT"),
    ] {
        let stage = Stage::start().await;
        let tools = "UPDATE agents SET tools_config = '{\"tools\":[\"exec\"]}' WHERE type = 'CHAT'";
        stage.accounts.sql(tools, Vec::new()).await;
        let ndjson = ("content-type", "application/x-ndjson");
        let begun = vec!["{\"type\":\"started\",\"id\":4}\n"];
        let endless = Reply::Bytes(200, vec![ndjson], begun, true);
        let runner = &stage.accounts.runner;
        runner.answers("POST /v1/sandboxes/*/exec", endless);
        stage.model.push(script);
        let body = json!({ "message": "Go on" });
        let telling = stage.open(&stage.ada, LINE, "text/event-stream", &body);
        let telling = telling.await;
        let is_told = || {
            let events = stage.runner.events.lock().unwrap();
            events.iter().any(|event| is_open(&event.kind))
        };
        let opened = async {
            while !is_told() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, opened).await.unwrap();
        let id = "SELECT uuid FROM sessions WHERE kind = 'runtime'";
        let line = format!("DELETE /api/v1/sessions/{}", stage.one(id).await);
        let deleted = stage.accounts.call_as(&stage.ada, &line, &Value::Null);
        deleted.await.done(204);
        let told = tokio::time::timeout(LONG, Answer::read(telling)).await;
        let events = streamed(&told.unwrap());
        ag_ui::check_stream(&events);
        let last = kinds(&events).split_off(events.len() - 2);
        assert_eq!(last, [end, "RUN_ERROR"], "{events:#?}");
        assert_eq!(events.last().unwrap()["message"], "The session was deleted");
    }
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
    stage.runner.away.store(true, Ordering::SeqCst);
    stage.call(&stage.ada, LINE, &body).await.refused(503);
    let chats = stage
        .all("SELECT uuid FROM sessions WHERE kind = 'runtime'")
        .await;
    assert!(chats.is_empty());
}

#[tokio::test]
async fn chats_are_listed_read_and_renamed_by_their_owner_alone() {
    let stage = Stage::start().await;
    stage.model.push(Script::answer(&["Hello Ada."]));
    let body = json!({ "message": "I am Ada." });
    let chat = stage.call(&stage.ada, LINE, &body).await.done(200);
    let id = chat["session_id"].as_str().unwrap();
    let app = &stage.accounts;
    let runtime = app.token(Way::Runtime, "ada").await;
    let list = async |token: &str, query: &str| {
        let line = format!("GET /api/v1/sessions{query}");
        let listed = app.call_as(token, &line, &Value::Null).await.done(200);
        let listed = listed.as_array().unwrap().iter();
        let ids = listed.map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let (of_workspace, all) = ([stage.session.as_str()], [id, stage.session.as_str()]);
    assert_eq!(list(&runtime, "").await, all);
    assert_eq!(list(&runtime, "?kind=workspace").await, of_workspace);
    assert_eq!(list(&stage.ada, "").await, of_workspace);
    assert_eq!(list(&stage.ada, "?kind=runtime").await, [id]);
    assert!(list(&stage.eve, "?kind=runtime").await.is_empty());
    for kind in ["studio", "open", "x"] {
        let line = format!("GET /api/v1/sessions?kind={kind}");
        let answer = app.call_as(&stage.ada, &line, &Value::Null).await;
        answer.refused(422);
        assert_eq!(answer.fields(), ["query.kind"]);
    }
    let one = format!("/api/v1/sessions/{id}");
    let messages = [
        format!("GET {one}/messages"),
        format!("GET /api/v1/chat/messages/{id}"),
    ];
    for line in &messages {
        let said = app.call_as(&stage.ada, line, &Value::Null).await.done(200);
        assert_eq!(said[0]["content"], "I am Ada.");
        assert_eq!(said[1]["content"], "Hello Ada.");
        assert_eq!(said[1]["usage"], chat["usage"]);
    }
    let (get, rename) = (format!("GET {one}"), format!("PATCH {one}"));
    let found = app.call_as(&stage.ada, &get, &Value::Null).await.done(200);
    assert_eq!(found["title"], "I am Ada.");
    let title = json!({ "title": "Names" });
    let renamed = app.call_as(&stage.ada, &rename, &title).await.done(200);
    assert_eq!(renamed["title"], "Names");
    let delete = format!("DELETE {one}");
    for line in messages.iter().chain([&get, &rename, &delete]) {
        let body = if *line == rename {
            &title
        } else {
            &Value::Null
        };
        let answer = app.call_as(&stage.eve, line, body).await;
        answer.problem(404, "Session not found");
    }
}

#[tokio::test]
async fn deleting_a_chat_stops_its_run() {
    let stage = Stage::start().await;
    stage
        .model
        .push(Script::new().head().token("On and").stall());
    let body = json!({ "message": "Go on" });
    let answering = stage.open(&stage.ada, LINE, "application/json", &body);
    let deleting = async {
        let begun = "SELECT 1 FROM steps WHERE kind = 'started'";
        stage.until(begun).await;
        let id = "SELECT uuid FROM sessions WHERE kind = 'runtime'";
        let line = format!("DELETE /api/v1/sessions/{}", stage.one(id).await);
        let deleted = stage.accounts.call_as(&stage.ada, &line, &Value::Null);
        deleted.await.done(204);
    };
    let both = async { tokio::join!(answering, deleting) };
    let (answer, ()) = tokio::time::timeout(LONG, both).await.unwrap();
    let answer = Answer::read(answer).await;
    answer.problem(404, "The session was deleted");
    let left = tokio::time::timeout(LONG, stage.model.outcome(0)).await;
    assert_eq!(left.unwrap(), Outcome::ClientLeft);
}
