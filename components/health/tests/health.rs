//! Health, migrations over HTTP, the OpenAPI document, and unknown paths.

#![allow(clippy::indexing_slicing, reason = "tests")]

use http::Method;
use serde_json::{Value, json};
use test_app::TestApp;

async fn app() -> TestApp {
    TestApp::start(health::router, &[]).await
}

#[tokio::test]
async fn the_service_answers_without_asking_anybody() {
    let answer = app().await.get("/api/v1/health").await;
    assert_eq!(answer.text, r#"{"status":"ok"}"#);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn codex_health_counts_its_sessions_and_says_when_the_runner_is_gone() {
    let app = app().await;
    app.sql(
        "INSERT INTO users (uuid, realm, username, created_at) VALUES ('u', 'open', 'a', 0)",
        Vec::new(),
    )
    .await;
    for (uuid, kind) in [("1", "codex"), ("2", "codex"), ("3", "open")] {
        app.sql(
            "INSERT INTO sessions (uuid, kind, user_id, created_at) VALUES (?1, ?2, 1, 0)",
            vec![uuid.into(), kind.into()],
        )
        .await;
    }
    let health = app.get("/api/health").await.json();
    assert_eq!(health["session_count"], 2);
    assert_eq!(health["status"], "unhealthy");
    assert_eq!(health["uptime"], 0);
    assert!(
        health["timestamp"]
            .as_i64()
            .is_some_and(|at| at > 1_600_000_000_000)
    );
}

#[tokio::test]
async fn infrastructure_that_is_missing_is_named_without_details() {
    let health = app().await.get("/api/v1/infra/health").await.json();
    assert_eq!(health["status"], "unhealthy");
    let services = &health["services"];
    assert_eq!(services["redis"]["status"], "healthy");
    assert_eq!(services["redis"]["backend"], "embedded");
    assert_eq!(services["sqlite"]["status"], "healthy");
    assert_eq!(services["sandbox_runner"]["error"], "does not answer");
    assert_eq!(services["llm"]["error"], "not configured");
}

#[tokio::test]
async fn what_was_found_out_is_kept_for_a_moment() {
    let app = app().await;
    let first = app.get("/api/v1/infra/health").await.json();
    let kept = json!({"at": i64::MAX / 2, "health": {"status": "kept", "services": {}}});
    let store = &app.platform.key_value;
    let stored = store
        .set("health:infra", kept.to_string().into_bytes())
        .await;
    assert!(stored.is_ok());
    assert_eq!(first["status"], "unhealthy");
    // From the future, as after a clock was set back: not trusted.
    assert_eq!(
        app.get("/api/v1/infra/health").await.json()["status"],
        "unhealthy"
    );
    let now = app.platform.clock.now();
    let kept = json!({"at": now, "health": {"status": "kept", "services": {}}});
    let stored = store
        .set("health:infra", kept.to_string().into_bytes())
        .await;
    assert!(stored.is_ok());
    assert_eq!(
        app.get("/api/v1/infra/health").await.json()["status"],
        "kept"
    );
}

#[tokio::test]
async fn migrating_wants_the_runners_token_and_does_nothing_twice() {
    let app = app().await;
    let migrate = async |token: &str| {
        let headers = [("authorization", token)];
        app.request(Method::POST, "/internal/migrate", &headers, "")
            .await
    };
    for token in [
        "",
        "Bearer ",
        "Bearer x",
        "Basic a-token-for-tests",
        "Bearer a-token-for-test",
    ] {
        migrate(token).await.problem(401, "Invalid runner token");
    }
    let done = migrate("Bearer a-token-for-tests").await;
    assert_eq!(done.json(), json!({"migrations": 0, "statements": 0}));
    assert_eq!(app.get("/internal/migrate").await.status, 405);
}

#[tokio::test]
async fn an_empty_token_lets_nobody_in() {
    let app = TestApp::start(health::router, &[("runner_token", "")]).await;
    for header in ["Bearer ", "Bearer"] {
        let headers = [("authorization", header)];
        let answer = app
            .request(Method::POST, "/internal/migrate", &headers, "")
            .await;
        answer.problem(401, "Invalid runner token");
    }
}

#[tokio::test]
async fn the_openapi_document_is_served() {
    let answer = app().await.get("/api/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/chat"]["post"].is_object());
}

#[tokio::test]
async fn unknown_paths_are_problems_in_the_words_of_their_contract() {
    let app = app().await;
    let check = async |path: &str, member: &str, value: Value| {
        let problem = app.get(path).await.problem(404, "Not Found");
        assert_eq!(problem[member], value, "{path}");
        assert_eq!(problem["instance"], path);
    };
    check("/", "error", Value::Null).await;
    check("/api/v1/nowhere", "code", Value::Null).await;
    check("/api/sessions/x", "error", json!("SessionNotFound")).await;
    check("/api/v1/workflows", "code", json!(404)).await;
    check("/api/v1/workflows/9", "message", json!("Not Found")).await;
}

#[tokio::test]
async fn sockets_are_elsewhere() {
    let own = [("runner_public_url", "https://live.example/")];
    for (own, base) in [
        (&own[..], "https://live.example"),
        (&[], "http://127.0.0.1:3000"),
    ] {
        let app = TestApp::start(health::router, own).await;
        for path in [
            "/api/ws/sessions/7",
            "/api/v1/ws/sessions/0190a5c0-0000-7000-8000-0000000000ff",
            "/ws/chat",
            "/api/sessions/7/events",
        ] {
            let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
            let asked = format!("{path}?token=secret");
            let answer = app.request(Method::GET, &asked, &upgrade, "").await;
            let detail = format!("This is served at {base}{path}, by WebSocket or as events");
            answer.problem(426, &detail);
            assert!(!answer.text.contains("secret"));
        }
        for path in ["/api/ws", "/api/sessions/7", "/wsx/chat"] {
            app.get(path).await.problem(404, "Not Found");
        }
    }
}
