//! Commands: waited for, streamed, and in the background.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use http::Method;
use http_body_util::BodyExt;
use over_auth::{Setting, start};
use serde_json::{Value, json};
use test_app::{Answer, Reply};

const EXEC: &str = "POST /api/v1/sandbox/exec";
const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

fn output() -> Value {
    json!({ "exit_code": 3, "stdout": "a", "stderr": "b", "timed_out": false,
        "truncated": true, "duration_ms": 12 })
}

async fn stream(setting: &Setting) -> axum::response::Response {
    let body = json!({ "session_id": setting.session, "command": "ls" });
    let request = http::Request::builder()
        .method(Method::POST)
        .uri("/api/v1/sandbox/exec")
        .header("authorization", format!("Bearer {}", setting.ada))
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .body(axum::body::Body::from(body.to_string()))
        .unwrap();
    setting.app.send(request).await
}

#[tokio::test]
async fn a_command_is_run_as_it_was_asked_for() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    app.runner
        .answers("POST /v1/sandboxes/*/exec", Reply::Json(200, output()));
    let asked = async |members: Value| {
        let mut body = json!({ "session_id": session });
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        assert_eq!(app.call_as(&ada, EXEC, &body).await.done(200), output());
        let asked = app.runner.asked_once();
        assert_eq!(asked.line, format!("POST /v1/sandboxes/{session}/exec"));
        assert!(!asked.headers.contains_key("accept"));
        asked.json()
    };
    let bare = asked(json!({ "command": "ls | wc" })).await;
    let expected = json!({ "command": "ls | wc", "cwd": null, "env": {}, "stdin": null,
        "timeout_ms": null });
    assert_eq!(bare, expected);
    let all = asked(
        json!({ "command": ["ls", "-l"], "cwd": "src", "env": {"A": "b"},
        "stdin": "x", "timeout": 1.5, "unknown": 1 }),
    );
    let expected = json!({ "command": ["ls", "-l"], "cwd": "src", "env": {"A": "b"},
        "stdin": "x", "timeout_ms": 1500 });
    assert_eq!(all.await, expected);
    for (seconds, milliseconds) in [(json!(0.001), 1), (json!(0.0015), 2), (json!(540), 540_000)] {
        let asked = asked(json!({ "command": "x", "timeout": seconds })).await;
        assert_eq!(asked["timeout_ms"], milliseconds);
    }
}

#[tokio::test]
async fn what_is_no_command_is_refused_and_named() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    for (member, value) in [
        ("command", Value::Null),
        ("command", json!("")),
        ("command", json!([])),
        ("command", json!(7)),
        ("command[0]", json!([7])),
        ("cwd", json!(7)),
        ("cwd", json!("a\0")),
        ("env", json!([])),
        ("env", json!({"A=B": "c"})),
        ("timeout", json!(0)),
        ("timeout", json!("1")),
        ("timeout", json!(541)),
        ("stdin", json!(7)),
        ("session_id", Value::Null),
        ("session_id", json!(1.5)),
    ] {
        let mut body = json!({ "session_id": session, "command": "ls" });
        body[member.trim_end_matches("[0]")] = value;
        let answer = app.call_as(&ada, EXEC, &body).await;
        answer.refused(422);
        assert_eq!(answer.fields(), [member], "{body}");
    }
    let answer = app.call_as(&ada, EXEC, &json!({ "command": "ls" })).await;
    assert_eq!(answer.fields(), ["session_id"]);
    let long = json!({ "session_id": session, "command": "ls", "stdin": "x".repeat(256 * 1024) });
    app.call_as(&ada, EXEC, &long).await.refused(413);
    assert!(app.runner.asked().is_empty());
}

#[tokio::test]
async fn a_command_is_waited_for_as_long_as_it_may_run() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    app.runner
        .answers("POST /v1/sandboxes/*/exec", Reply::Silence);
    for (timeout, seconds) in [(json!(10), 40), (Value::Null, 570)] {
        let body = json!({ "session_id": session, "command": "x", "timeout": timeout });
        let mut asked = std::pin::pin!(app.call_as(&ada, EXEC, &body));
        let mut answer: Option<Answer> = None;
        while answer.is_none() && app.runner.asked().is_empty() {
            tokio::select! {
                biased;
                ended = &mut asked => answer = Some(ended),
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(answer.is_none());
        app.wait(seconds - 1);
        for _ in 0..50 {
            tokio::select! {
                biased;
                _ = &mut asked => panic!("{timeout}: too soon"),
                () = tokio::task::yield_now() => {}
            }
        }
        app.wait(1);
        asked
            .await
            .problem(504, "The sandbox service did not answer in time");
    }
}

#[tokio::test]
async fn a_streamed_command_is_told_as_it_goes() {
    let setting = start().await;
    // Pieces end where they like.
    let pieces = vec![
        "{\"type\":\"started\",\"id\":4}\n{\"type\":\"stdout\",",
        "\"text\":\"a\\nb\"}\n\n",
        "{\"type\":\"stderr\",\"text\":\"天\"}\n{\"type\":\"exited\",\"exit_code\":0,",
        "\"timed_out\":false,\"truncated\":false,\"duration_ms\":5}\n{\"type\":\"stdout\"",
    ];
    let reply = Reply::Bytes(200, vec![NDJSON], pieces, false);
    setting
        .app
        .runner
        .answers("POST /v1/sandboxes/*/exec", reply);
    let response = stream(&setting).await;
    let answer = Answer::read(response).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    let expected = "event: started\ndata: {\"type\":\"started\",\"id\":4}\n\n\
        event: stdout\ndata: {\"type\":\"stdout\",\"text\":\"a\\nb\"}\n\n\
        event: stderr\ndata: {\"type\":\"stderr\",\"text\":\"天\"}\n\n\
        event: exited\ndata: {\"type\":\"exited\",\"exit_code\":0,\"timed_out\":false,\
        \"truncated\":false,\"duration_ms\":5}\n\n";
    assert_eq!(answer.text, expected);
    let asked = setting.app.runner.asked_once();
    assert_eq!(asked.headers["accept"], "application/x-ndjson");
}

#[tokio::test]
async fn a_stream_that_cannot_be_followed_ends_with_an_error() {
    let setting = start().await;
    let long = Box::leak("x".repeat(1024 * 1024 + 1).into_boxed_str());
    for (pieces, detail, status) in [
        (vec![], "The sandbox service failed", 502),
        (
            vec!["{\"type\":\"started\",\"id\":1}\n"],
            "The sandbox service failed",
            502,
        ),
        (vec!["nonsense\n"], "The sandbox service failed", 502),
        (vec![&*long], "The sandbox service failed", 502),
        (
            vec!["{\"type\":\"failed\",\"detail\":\"The sandbox was destroyed\"}\n"],
            "The sandbox was destroyed",
            502,
        ),
    ] {
        let reply = Reply::Bytes(200, vec![NDJSON], pieces, false);
        setting
            .app
            .runner
            .answers("POST /v1/sandboxes/*/exec", reply);
        let answer = Answer::read(stream(&setting).await).await;
        assert_eq!(answer.status, 200);
        let (_, last) = answer.text.rsplit_once("event: error\ndata: ").unwrap();
        let problem: Value = serde_json::from_str(last.trim()).unwrap();
        assert_eq!(
            (&problem["detail"], &problem["status"]),
            (&json!(detail), &json!(status))
        );
    }
    let refusal = Reply::Problem(404, "The session has no sandbox. Launch one first");
    setting
        .app
        .runner
        .answers("POST /v1/sandboxes/*/exec", refusal);
    let answer = Answer::read(stream(&setting).await).await;
    answer.problem(404, "The session has no sandbox. Launch one first");
}

#[tokio::test]
async fn a_silent_stream_is_kept_awake_and_ends_in_the_end() {
    let setting = start().await;
    let pieces = vec!["{\"type\":\"started\",\"id\":1}\n"];
    let reply = Reply::Bytes(200, vec![NDJSON], pieces, true);
    setting
        .app
        .runner
        .answers("POST /v1/sandboxes/*/exec", reply);
    let mut body = stream(&setting).await.into_body();
    let mut next = async || {
        let frame = body.frame().await?.unwrap().into_data().unwrap();
        Some(String::from_utf8(frame.to_vec()).unwrap())
    };
    assert!(next().await.unwrap().starts_with("event: started"));
    for _ in 0..37 {
        setting.app.wait(15);
        assert_eq!(next().await.unwrap(), ": \n\n");
    }
    // 37 times 15 s have passed of the 570 s that a command without a time may take.
    setting.app.wait(15);
    let mut last = next().await.unwrap();
    if last == ": \n\n" {
        last = next().await.unwrap();
    }
    assert!(last.starts_with("event: error"), "{last}");
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn commands_in_the_background() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    let command = json!({ "id": 3, "command": ["sleep", "9"], "started_at": 0,
        "exit_code": null, "timed_out": false, "stdout": "a", "stderr": "", "truncated": false });
    let mut shown = command.clone();
    shown["started_at"] = json!("1970-01-01T00:00:00.000Z");
    shown["running"] = json!(true);
    let path = "/v1/sandboxes/*/commands";
    app.runner
        .answers(&format!("POST {path}"), Reply::Json(201, command.clone()));
    let list = json!({ "commands": [command] });
    app.runner
        .answers(&format!("GET {path}"), Reply::Json(200, list));
    app.runner
        .answers(&format!("GET {path}/3"), Reply::Json(200, command.clone()));
    let mut killed = command.clone();
    killed["exit_code"] = json!(137);
    app.runner
        .answers(&format!("DELETE {path}/3"), Reply::Json(200, killed));
    for key in [session.as_str(), "1"] {
        let at = format!("/api/v1/sandbox/{key}/commands");
        let run = json!({ "command": ["sleep", "9"], "timeout": 86_400 });
        let made = app
            .call_as(&ada, &format!("POST {at}"), &run)
            .await
            .done(201);
        assert_eq!(made, shown);
        let listed = app.call_as(&ada, &format!("GET {at}"), &Value::Null).await;
        assert_eq!(listed.done(200), json!([shown]));
        drop(app.runner.asked());
        let line = format!("GET {at}/3?wait=60");
        assert_eq!(
            app.call_as(&ada, &line, &Value::Null).await.done(200),
            shown
        );
        assert_eq!(app.runner.asked_once().query, "wait=60");
        let line = format!("DELETE {at}/3");
        let killed = app.call_as(&ada, &line, &Value::Null).await.done(200);
        assert_eq!(
            (&killed["running"], &killed["exit_code"]),
            (&json!(false), &json!(137))
        );
        drop(app.runner.asked());
        for id in ["x", "-1", "+3", "3%2f..%2f4", "99999999999999999999"] {
            let line = format!("GET {at}/{id}");
            let answer = app.call_as(&ada, &line, &Value::Null).await;
            answer.problem(404, "Command not found");
        }
        for wait in ["61", "x", "-1", "1.5"] {
            let line = format!("GET {at}/3?wait={wait}");
            let answer = app.call_as(&ada, &line, &Value::Null).await;
            answer.refused(422);
            assert_eq!(answer.fields(), ["query.wait"]);
        }
        let answer = app
            .call_as(&ada, &format!("POST {at}"), &json!({ "command": "" }))
            .await;
        assert_eq!(answer.fields(), ["command"]);
        assert!(app.runner.asked().is_empty());
    }
}
