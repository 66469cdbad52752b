//! Whatever goes wrong is said in one shape, whoever says it: the front door, the edge, a
//! component.

use http::Request;
use serde_json::{Value, json};
use tests::{Answer, Client, Stack};

const JSON: &str = "application/json";

/// The members that every problem has.
const FIVE: [&str; 5] = ["type", "title", "status", "detail", "instance"];

/// Sees that the answer is a problem about `path` with this status; returns it.
fn problem(answer: &Answer, status: u16, path: &str) -> Value {
    let body = answer.json();
    let context = format!("{path}: {body}");
    assert_eq!(answer.status, status, "{context}");
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{context}"
    );
    for member in FIVE {
        assert!(!body[member].is_null(), "{member}, {context}");
    }
    assert_eq!(body["status"], status, "{context}");
    assert_eq!(body["instance"], path, "{context}");
    assert!(!answer.header("x-request-id").is_empty(), "{context}");
    body
}

async fn send(client: Client, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    client
        .send(request.header("content-type", kind), body.to_owned())
        .await
}

#[tokio::test]
async fn unknown_paths() {
    let stack = Stack::start().await;
    let unknown = [
        "/",
        "/nowhere",
        "/api",
        "/api/v1",
        "/api/v1/x",
        "/api/v1/users/a/b/c",
        "/api/v1/conversations/1/x",
        "/api/v1/chat/x",
        "/api/v1/infra/x",
        "/internal",
        "/internal/migrate",
        "//internal/migrate",
        "/%69nternal/migrate",
    ];
    for method in ["GET", "POST", "DELETE"] {
        for path in unknown {
            let answer = send(stack.door(), method, path, JSON, "").await;
            problem(&answer, 404, path);
        }
        let path = "/api/login/zzz";
        let answer = send(stack.door(), method, path, JSON, "").await;
        assert!(problem(&answer, 404, path)["error"].is_string());
        let path = "/api/v1/workflows/1/nowhere";
        let answer = send(stack.door(), method, path, JSON, "").await;
        let studio = problem(&answer, 404, path);
        assert_eq!(studio["code"], 404);
        assert_eq!(studio["message"], studio["detail"]);
        assert!(studio.as_object().unwrap().contains_key("data"), "{studio}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn wrong_methods_name_the_right_ones() {
    let stack = Stack::start().await;
    for (method, path, allowed) in [
        ("GET", "/api/v1/users", "POST"),
        ("PUT", "/api/v1/users/ada", "GET"),
        ("GET", "/api/v1/conversations", "POST"),
        ("DELETE", "/api/v1/conversations/1", "GET"),
        ("POST", "/api/v1/users/1/conversations", "GET"),
        ("GET", "/api/v1/chat", "POST"),
        ("POST", "/api/v1/health", "GET"),
        ("PATCH", "/api/health", "GET"),
        ("POST", "/api/v1/infra/health", "GET"),
        ("POST", "/api/openapi.json", "GET"),
    ] {
        let answer = send(stack.door(), method, path, JSON, "{}").await;
        problem(&answer, 405, path);
        let named = answer.header("allow");
        assert!(
            named.split(',').any(|name| name.trim() == allowed),
            "{path}: {named}"
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn wrong_content() {
    let stack = Stack::start().await;
    let door = stack.door();
    let long = json!({ "username": "a".repeat(256 * 1024) }).to_string();
    for (path, kind, body, status, field) in [
        ("/api/v1/users/", JSON, long.as_str(), 413, ""),
        ("/api/v1/users/", "text/plain", "{}", 415, ""),
        ("/api/v1/users/", JSON, "{", 422, "body"),
        ("/api/v1/users/", JSON, "{}", 422, "username"),
        ("/api/v1/users/", JSON, r#"{"username":1}"#, 422, "username"),
        (
            "/api/v1/users/",
            JSON,
            r#"{"username":""}"#,
            422,
            "username",
        ),
        (
            "/api/v1/conversations/",
            JSON,
            r#"{"user_id":"1"}"#,
            422,
            "user_id",
        ),
        (
            "/api/v1/conversations/",
            JSON,
            r#"{"user_id":4711}"#,
            404,
            "",
        ),
        (
            "/api/v1/chat",
            JSON,
            r#"{"conversation_id":1}"#,
            422,
            "message",
        ),
        (
            "/api/v1/chat",
            JSON,
            r#"{"conversation_id":1,"message":""}"#,
            422,
            "message",
        ),
        (
            "/api/v1/chat",
            JSON,
            r#"{"conversation_id":4711,"message":"x"}"#,
            404,
            "",
        ),
    ] {
        let answer = send(door, "POST", path, kind, body).await;
        let found = problem(&answer, status, path.trim_end_matches('/'));
        if !field.is_empty() {
            assert_eq!(found["errors"][0]["field"], field, "{found}");
        }
    }
    let path = "/api/v1/users/1/conversations";
    let answer = door.get(&format!("{path}?limit=101")).await;
    assert_eq!(
        problem(&answer, 422, path)["errors"][0]["field"],
        "query.limit"
    );
    stack.stop().await;
}

#[tokio::test]
async fn what_only_the_runner_may_ask_needs_its_token() {
    let stack = Stack::start().await;
    let path = "/internal/migrate";
    for token in ["", "Bearer", "Bearer wrong-token-of-somebody"] {
        let request = Request::post(path).header("authorization", token);
        let answer = stack.edge().send(request, "").await;
        problem(&answer, 401, path);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let bearer = format!("Bearer {}", stack.token);
    let request = Request::post(path).header("authorization", &bearer);
    let answer = stack.edge().send(request, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = Request::post(path).header("authorization", &bearer);
    problem(&stack.door().send(request, "").await, 404, path);
    stack.stop().await;
}

#[tokio::test]
async fn a_request_keeps_one_id() {
    let stack = Stack::start().await;
    for path in ["/api/v1/health", "/nowhere"] {
        let answer = stack.door().get(path).await;
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        let again = stack.door().get(path).await;
        assert_ne!(answer.header("x-request-id"), again.header("x-request-id"));
    }
    stack.stop().await;
}
