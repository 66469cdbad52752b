//! Coding sessions: how they are made, shown and deleted, whose they are, and every row of the
//! document's table of errors.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::Script;
use serde_json::{Value, json};
use stage::Stage;

const CREATE: &str = "POST /api/sessions";

#[tokio::test]
async fn the_documents_own_example() {
    let stage = Stage::start().await;
    stage.runner.state().projects = vec!["/path/to/project".to_owned()];
    let body = json!({
        "cwd": "/path/to/project", "model": "claude-3-sonnet", "oss": false, "web_search": true,
        "config_profile": "default"
    });
    let made = stage.call(&stage.ada, CREATE, &body).await.done(201);
    let id = made["session_id"].as_str().unwrap();
    let ws = format!("ws://127.0.0.1:3000/api/sessions/{id}/events");
    let http = format!("http://127.0.0.1:3000/api/sessions/{id}");
    assert_eq!(
        made,
        json!({ "session_id": id, "ws_url": ws, "http_url": http })
    );
    // Nobody can be in its room yet.
    assert!(stage.runner.state().room.is_empty());
    let line = format!("GET /api/sessions/{id}");
    let shown = stage.call(&stage.ada, &line, &Value::Null).await;
    let shown = shown.done(200);
    for (member, value) in [
        ("cwd", json!("/path/to/project")),
        ("model", json!("claude-3-sonnet")),
        ("oss", json!(false)),
        ("web_search", json!(true)),
        ("config_profile", json!("default")),
        ("status", json!("idle")),
        ("pending_approvals", json!([])),
        ("http_url", json!(http)),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    // The folder of the host is its workspace.
    let resume = format!("POST /api/sessions/{id}/resume");
    stage
        .call(&stage.ada, &resume, &Value::Null)
        .await
        .done(200);
    let launches = stage.runner.state().launches.clone();
    let launch = json!({ "user": 1, "network": false, "project": "/path/to/project" });
    assert_eq!(launches, [launch]);
}

fn answer() -> Script {
    Script::answer(&["Here."])
}

/// What the rooms were warned of, and where among their events.
fn warnings(stage: &Stage) -> Vec<(usize, String)> {
    let state = stage.runner.state();
    let all = state.room.iter().enumerate();
    let warnings = all.filter(|(_, event)| event["type"] == "warning");
    warnings
        .map(|(place, event)| (place, event["code"].as_str().unwrap().to_owned()))
        .collect()
}

/// Neither the model nor a search engine is configured: it works, and it is said when somebody can
/// hear it.
#[tokio::test]
async fn what_a_session_asks_for_in_vain() {
    let stage = Stage::start().await;
    let body = json!({ "model": "claude-3-sonnet", "web_search": true });
    let session = stage.session(body).await;
    assert!(warnings(&stage).is_empty());
    for (turn, expected) in [(1, vec!["model", "web_search"]), (2, vec!["model"])] {
        stage.runner.state().room.clear();
        stage.model.push(answer());
        stage.say(&session, "Who are you?").await.done(200);
        stage.ended(1).await;
        let told = warnings(&stage);
        let codes: Vec<_> = told.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(codes, expected, "turn {turn}");
        // After the turn's beginning, before anything comes of it.
        let room = stage.runner.state().room.clone();
        assert_eq!(room[0]["type"], "run_started");
        let first = told[0].0;
        assert!(room[first..].iter().any(|event| event["type"] == "usage"));
        assert!(!room[..first].iter().any(|event| event["sender"] == "agent"));
        let text = room[first]["text"].as_str().unwrap();
        let why = "The model claude-3-sonnet is not configured; the default model answers instead";
        assert_eq!(text, why);
    }
}

#[tokio::test]
async fn addresses_are_those_that_work() {
    let stage = Stage::start().await;
    let reached = |host: &'static str| [("host", host)];
    let made = async |headers: &[(&str, &str)]| {
        let made = stage.call_with(headers, &stage.ada, CREATE, &Value::Null);
        made.await.done(201)["ws_url"].as_str().unwrap().to_owned()
    };
    assert!(
        made(&reached("box.lan:3000"))
            .await
            .starts_with("ws://box.lan:3000/api/")
    );
    let forwarded = [
        ("host", "127.0.0.1:3001"),
        ("x-forwarded-host", "a.example:80"),
    ];
    assert!(made(&forwarded).await.starts_with("ws://a.example:80/api/"));
    assert!(
        made(&reached("a b"))
            .await
            .starts_with("ws://127.0.0.1:3000/api/")
    );
    let own = [
        ("public_url", "https://code.example/"),
        ("runner_public_url", "https://live.example"),
    ];
    let stage = Stage::with(&own).await;
    let evil = reached("evil.example");
    let made = stage.call_with(&evil, &stage.ada, CREATE, &Value::Null);
    let made = made.await.done(201);
    assert!(
        made["ws_url"]
            .as_str()
            .unwrap()
            .starts_with("wss://live.example/api/sessions/")
    );
    assert!(
        made["http_url"]
            .as_str()
            .unwrap()
            .starts_with("https://code.example/api/sessions/")
    );
}

#[tokio::test]
async fn what_no_session_can_be_made_with() {
    let stage = Stage::start().await;
    for (body, field) in [
        (json!({ "cwd": "/etc" }), "cwd"),
        (json!({ "cwd": "/" }), "cwd"),
        (json!({ "cwd": "../x" }), "cwd"),
        (json!({ "cwd": "/workspace/../etc" }), "cwd"),
        (json!({ "cwd": 7 }), "cwd"),
        (json!({ "config_profile": "nobody" }), "config_profile"),
        (json!({ "oss": "yes" }), "oss"),
        (json!({ "web_search": 1 }), "web_search"),
        (json!({ "model": "" }), "model"),
        (json!([]), "body"),
        (json!(["/workspace"]), "body"),
    ] {
        let answer = stage.call(&stage.ada, CREATE, &body).await;
        assert_eq!(answer.refused(400)["error"], "InvalidRequest", "{body}");
        assert_eq!(answer.fields(), [field], "{body}");
    }
    // There is no local model, and no other answers instead.
    let local = stage
        .call(&stage.ada, CREATE, &json!({ "oss": true }))
        .await;
    local.problem(400, "oss: no model of a local provider is configured");
    let made = stage
        .accounts
        .sql("SELECT id FROM sessions", Vec::new())
        .await;
    assert!(made.is_empty());
}

#[tokio::test]
async fn a_local_model_answers_where_one_is_asked_for() {
    let stage = Stage::start().await;
    for (code, local) in [("far", 0), ("near", 1)] {
        let provider = format!(
            "INSERT INTO providers (uuid, name, code, base_url, timeout_ms, local, created_at, \
             updated_at) VALUES ('0190a5c0-0000-7000-8000-00000000000{local}', '{code}', \
             '{code}', '{}', 60000, {local}, 0, 0)",
            stage.model.base_url()
        );
        stage.accounts.sql(&provider, Vec::new()).await;
        let model = format!(
            "INSERT INTO models (uuid, provider_id, name, model_code, model_type, created_at, \
             updated_at) SELECT '0190a5c0-0000-7000-8000-00000000001{local}', id, \
             'The {code} one', '{code}-1', 'CHAT', 0, 0 FROM providers WHERE code = '{code}'"
        );
        stage.accounts.sql(&model, Vec::new()).await;
    }
    for (body, asked) in [
        (json!({ "oss": true }), "near-1"),
        (json!({ "oss": true, "model": "near-1" }), "near-1"),
        (json!({ "oss": true, "model": "far-1" }), "near-1"),
        (json!({ "model": "FAR-1" }), "far-1"),
        (json!({ "model": "the far one" }), "far-1"),
        (json!({ "model": "scripted" }), "scripted"),
        (json!({}), "scripted"),
        (json!({ "oss": null, "web_search": null }), "scripted"),
    ] {
        stage.runner.state().room.clear();
        let session = stage.session(body.clone()).await;
        stage.model.push(answer());
        stage.say(&session, "Who are you?").await.done(200);
        stage.ended(1).await;
        let in_vain = body["oss"] == true && body["model"] == "far-1";
        assert_eq!(warnings(&stage).len(), usize::from(in_vain), "{body}");
        let last = stage.model.requests().pop().unwrap();
        assert_eq!(last.json["model"], asked, "{body}");
    }
}

#[tokio::test]
async fn profiles_of_the_operators_own() {
    let own = r#"{"lab": {"approval": "auto", "network": true, "reasoning_effort": "high",
        "model": "scripted"}}"#;
    let stage = Stage::with(&[("codex_profiles", own)]).await;
    let body = json!({ "config_profile": "lab", "model": "claude-3-sonnet" });
    let session = stage.session(body).await;
    stage
        .model
        .push(stage::call("shell", json!({ "command": "touch a" })));
    stage.model.push(answer());
    stage.say(&session, "Go").await.done(200);
    stage.ended(1).await;
    assert!(warnings(&stage).is_empty(), "the profile maps the model");
    assert_eq!(stage.runner.state().launches[0]["network"], true);
    assert_eq!(stage.model.requests()[0].json["reasoning_effort"], "high");
    let broken = Stage::with(&[("codex_profiles", "{")]).await;
    let answer = broken.call(&broken.ada, CREATE, &Value::Null).await;
    assert_eq!(answer.refused(503)["error"], "InternalError");
}

#[tokio::test]
async fn sessions_are_listed_and_deleted() {
    let stage = Stage::start().await;
    let first = stage.session(json!({ "cwd": "one" })).await;
    let second = stage.session(json!({ "cwd": "/workspace/two" })).await;
    let listed = stage
        .call(&stage.ada, "GET /api/sessions?limit=1", &Value::Null)
        .await;
    assert_eq!(listed.header("x-total-count"), "2");
    let listed = listed.done(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["session_id"], json!(second));
    assert_eq!(listed[0]["cwd"], "/workspace/two");
    let line = format!("DELETE /api/sessions/{first}");
    let deleted = stage.call(&stage.ada, &line, &Value::Null).await;
    assert_eq!(deleted.status, 204);
    let ended = format!("DELETE /v1/sessions/{first}");
    assert!(stage.runner.state().asked.contains(&ended));
    stage
        .call(&stage.ada, &line, &Value::Null)
        .await
        .problem(404, "Session not found");
    let listed = stage
        .call(&stage.ada, "GET /api/sessions", &Value::Null)
        .await;
    assert_eq!(listed.done(200).as_array().unwrap().len(), 1);
}

/// Requests about one session.
fn requests(session: &str) -> Vec<(String, Value)> {
    let message = json!({ "type": "user_message", "content": "x" });
    let approval = json!({ "type": "approval", "id": "c", "decision": "approved" });
    let none = Value::Null;
    [
        ("GET", "", none.clone()),
        ("DELETE", "", none.clone()),
        ("POST", "/resume", none.clone()),
        ("POST", "/submit", message),
        ("POST", "/submit", approval),
        ("POST", "/submit", json!({ "type": "interrupt" })),
        ("POST", "/apply_patch", none.clone()),
        (
            "POST",
            "/apply_patch",
            json!({ "patch": "*** Begin Patch\n*** End Patch" }),
        ),
        ("GET", "/diff", none.clone()),
        ("POST", "/undo", none),
    ]
    .map(|(method, path, body)| (format!("{method} /api/sessions/{session}{path}"), body))
    .to_vec()
}

#[tokio::test]
async fn nobody_reaches_anothers_session_on_any_path() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    for id in [
        session.as_str(),
        "1",
        "0190a5c0-0000-7000-8000-0000000000ff",
        "x",
    ] {
        for (line, body) in requests(id) {
            let answer = stage.call(&stage.eve, &line, &body).await;
            let problem = answer.problem(404, "Session not found");
            assert_eq!(problem["error"], "SessionNotFound", "{line}");
            let stranger = stage.call("", &line, &body).await;
            assert_eq!(stranger.refused(401)["error"], "Unauthorized", "{line}");
        }
    }
    let listed = stage
        .call(&stage.eve, "GET /api/sessions", &Value::Null)
        .await;
    assert_eq!(listed.done(200), json!([]));
    // By the socket: who says something is not who the session belongs to.
    let said = json!({ "session": session, "user": 2, "login": 2, "id": "a",
        "payload": { "type": "interrupt" } });
    let response = stage
        .runner
        .ask("/internal/sockets/codex", said.to_string());
    test_app::Answer::read(response.await).await.refused(404);
    // What a person sends there is not heard.
    let line = "POST /internal/sockets/codex";
    stage.call(&stage.ada, line, &said).await.refused(401);
}

#[tokio::test]
async fn a_login_that_has_ended_says_nothing_any_more() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let said = json!({ "session": session, "user": 1, "login": stage.login().await, "id": "a",
        "payload": { "type": "interrupt" } });
    stage
        .accounts
        .call_as(&stage.ada, "POST /api/logout", &Value::Null)
        .await;
    let response = stage
        .runner
        .ask("/internal/sockets/codex", said.to_string());
    test_app::Answer::read(response.await).await.refused(401);
}

/// `TooManyConnections` is of sockets, which the runner counts.
#[tokio::test]
async fn every_other_row_of_the_table_of_errors() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let submit = format!("POST /api/sessions/{session}/submit");
    for (body, field) in [
        (json!({ "content": "x" }), "type"),
        (json!({ "type": "shutdown" }), "type"),
        (json!({ "type": "user_message" }), "content"),
        (json!({ "type": "user_message", "content": " " }), "content"),
        (json!({ "type": "approval", "id": "c" }), "decision"),
        (
            json!({ "type": "approval", "id": "c", "decision": "maybe" }),
            "decision",
        ),
    ] {
        let answer = stage.call(&stage.ada, &submit, &body).await;
        assert_eq!(answer.refused(400)["error"], "InvalidRequest", "{body}");
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let answer = stage
        .call("nonsense", &submit, &json!({ "type": "interrupt" }))
        .await;
    assert_eq!(answer.refused(401)["error"], "Unauthorized");
    let answer = stage
        .call(&stage.ada, "GET /api/sessions/99", &Value::Null)
        .await;
    assert_eq!(answer.refused(404)["error"], "SessionNotFound");
    let events = format!("GET /api/sessions/{session}/events");
    let answer = stage.call(&stage.ada, &events, &Value::Null).await;
    assert_eq!(answer.refused(426)["error"], "InvalidRequest");
    stage
        .accounts
        .sql("DROP TABLE codex_sessions", Vec::new())
        .await;
    let answer = stage.call(&stage.ada, CREATE, &Value::Null).await;
    let problem = answer.refused(500);
    assert_eq!(problem["error"], "InternalError");
    assert!(!problem.to_string().contains("codex_sessions"), "{problem}");
}
