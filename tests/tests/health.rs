//! Health as each contract tells it, and the OpenAPI document.

use http::Request;
use model_stub::scripted::Script;
use serde_json::json;
use tests::{Stack, eventually};

#[tokio::test]
async fn the_service_and_its_sessions() {
    let stack = Stack::start().await;
    let door = stack.door();
    assert_eq!(
        door.get("/api/v1/health").await.json(),
        json!({ "status": "ok" })
    );
    let health = door.get("/api/health").await.json();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["session_count"], 0);
    assert!(
        health["timestamp"].as_i64().unwrap() > 1_600_000_000_000,
        "{health}"
    );
    let uptime = health["uptime"].as_i64().unwrap();
    eventually("the time goes on", async || {
        let health = door.get("/api/health").await.json();
        (health["uptime"].as_i64().unwrap() > uptime).then_some(())
    })
    .await;
    stack.stop().await;
}

#[tokio::test]
async fn what_the_platform_stands_on() {
    let mut stack = Stack::start().await;
    let list = json!({ "object": "list", "data": [{ "id": "offline", "object": "model" }] });
    stack
        .model()
        .answer_with(move |_| Script::response(200, "application/json", list.to_string()));
    let door = stack.door();
    let health = door.get("/api/v1/infra/health").await.json();
    assert_eq!(health["status"], "healthy", "{health}");
    for service in ["redis", "sqlite", "sandbox_runner", "llm"] {
        assert_eq!(health["services"][service]["status"], "healthy", "{health}");
        assert!(
            health["services"][service]["latency_ms"].is_u64(),
            "{health}"
        );
    }
    assert_eq!(health["services"]["redis"]["backend"], "embedded");
    assert_eq!(stack.model().request(0).await.target, "/v1/models");
    stack.kill_model().await;
    let health = eventually("the model's death is noticed", async || {
        let health = door.get("/api/v1/infra/health").await.json();
        (health["status"] == "unhealthy").then_some(health)
    })
    .await;
    assert_eq!(health["services"]["llm"]["status"], "unhealthy", "{health}");
    assert_eq!(
        health["services"]["sqlite"]["status"], "healthy",
        "{health}"
    );
    stack.stop().await;
}

/// A UUID that nothing has.
const NOBODYS: &str = "00000000-0000-7000-8000-000000000000";

/// The path with something for each of its parameters.
fn filled(path: &str) -> String {
    let fill = |part: &str| match part {
        "{username}" => "nobody".to_owned(),
        "{user_id}" | "{conversation_id}" | "{command_id}" | "{id}" => "4711".to_owned(),
        part if part.starts_with('{') => NOBODYS.to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_operation_of_the_document_is_served() {
    let stack = Stack::start().await;
    let door = stack.door();
    let document = door.get("/api/openapi.json").await;
    assert_eq!(document.header("content-type"), "application/json");
    let document = document.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let asked = filled(path);
        for method in methods.as_object().unwrap().keys() {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&asked);
            let request = request.header("content-type", "application/json");
            let answer = door.send(request, "{}").await;
            let context = format!("{method} {path}: {} {}", answer.status, answer.text());
            assert_ne!(answer.status, 405, "{context}");
            assert!(answer.status < 500, "{context}");
            // Nothing there is another answer than no such path.
            let unserved = answer.status == 404 && answer.json()["detail"] == "Not Found";
            assert!(!unserved, "{context}");
            operations += 1;
        }
    }
    assert!(operations >= 9, "{operations}");
    stack.stop().await;
}
