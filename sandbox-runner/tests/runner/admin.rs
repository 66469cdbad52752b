//! The runner's own interface.

use crate::{
    edge::RecordingEdge,
    stack::{Stack, TOKEN},
    wire::{self, Answer},
};
use serde_json::{Value, json};

/// A request to the interface with the token.
pub(crate) async fn ask(stack: &Stack, line: &str, body: &str) -> Answer {
    let head = format!("{line} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {TOKEN}");
    let kind = "content-type: application/json";
    let request = format!(
        "{head}\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    wire::ask(stack.admin(), &request).await
}

pub(crate) async fn health(stack: &Stack) -> Value {
    ask(stack, "GET /v1/health", "").await.json()
}

#[tokio::test]
async fn nothing_without_the_token() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let headers = [
        "x: y".to_owned(),
        "authorization: Bearer".to_owned(),
        "authorization: Bearer wrong-token-of-some-length!!".to_owned(),
        format!("authorization: Basic {TOKEN}"),
        format!("authorization: Bearer {TOKEN}x"),
        format!("x-atelier-runner-token: {TOKEN}"),
    ];
    for header in &headers {
        for line in [
            "GET /v1/health",
            "GET /metrics",
            "POST /v1/mail",
            "GET /nothing",
        ] {
            let request = format!("{line} HTTP/1.1\r\nhost: h\r\n{header}\r\n\r\n");
            let answer = wire::ask(stack.admin(), &request).await;
            assert_eq!(answer.status(), 401, "{line} {header}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
        }
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_bodies() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |line: &str, body: &str, status: u16| {
        let answer = ask(&stack, line, body).await;
        assert_eq!(answer.status(), status, "{line} {body:.40}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{line}"
        );
        assert_eq!(answer.json()["status"], status);
        answer
    };
    check("GET /v1/nothing", "", 404).await;
    check("GET /", "", 404).await;
    let answer = check("DELETE /v1/health", "", 405).await;
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    check("POST /v1/mail", "{", 400).await;
    check("POST /v1/mail", r#"{"to": 1}"#, 422).await;
    let bad = r#"{"to": "a@example.org\r\nBcc: b@example.org", "subject": "s", "text": "t"}"#;
    check("POST /v1/mail", bad, 422).await;
    let large = format!(
        r#"{{"to": "a@example.org", "subject": "s", "text": "{}"}}"#,
        "x".repeat(300_000)
    );
    check("POST /v1/mail", &large, 413).await;
}

/// What cannot be made out of a request is refused as everything else is.
#[tokio::test]
async fn every_refusal_is_a_problem() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let id = "0190a5c0-0000-7000-8000-0000000000ff";
    let sandbox = format!("/v1/sandboxes/{id}");
    let files = format!("{sandbox}/files");
    for (line, body, status) in [
        ("PUT /v1/sandboxes/x".to_owned(), "{}", 400),
        (format!("PUT {sandbox}"), "{", 400),
        (format!("PUT {sandbox}"), "[]", 422),
        ("DELETE /v1/sessions/x".to_owned(), "", 400),
        ("GET /v1/users/x/sandboxes".to_owned(), "", 400),
        (format!("POST {sandbox}/exec"), r#"{"command": 1}"#, 422),
        (format!("GET {sandbox}/commands/x"), "", 400),
        (format!("GET {sandbox}/commands/1?wait=x"), "", 400),
        (format!("GET {files}"), "", 400),
        (format!("PUT {files}?append=maybe&path=a"), "", 400),
        (format!("GET {files}/tree?depth=x"), "", 400),
        (format!("POST {files}/move"), "{}", 422),
        (format!("PUT {sandbox}/checkpoints/x"), "", 400),
        ("POST /v1/projects".to_owned(), "{}", 422),
        ("PUT /v1/blobs/x".to_owned(), "", 400),
        (format!("PUT /v1/blobs/{id}?from=x"), "", 400),
        ("POST /v1/runs".to_owned(), "{}", 422),
        ("POST /v1/comfy/follow".to_owned(), "{}", 422),
        ("POST /v1/rooms/x/events".to_owned(), "{}", 400),
        (format!("POST /v1/rooms/{id}/events"), "{}", 422),
        (format!("GET /v1/rooms/{id}?newest=maybe"), "", 400),
        ("POST /v1/mail".to_owned(), "[", 400),
    ] {
        let answer = ask(&stack, &line, body).await;
        assert_eq!(answer.status(), status, "{line} {body}");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{line} {body}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{line} {body}");
        let path = line.split([' ', '?']).nth(1).unwrap();
        assert_eq!(problem["instance"], path);
        assert!(problem["detail"].is_string(), "{line} {body}");
    }
    let blob = format!("PUT /v1/blobs/{id}");
    let answer = ask(&stack, &blob, &"x".repeat((4 << 20) + 1)).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.json()["status"], 413);
}

#[tokio::test]
async fn health_and_metrics() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    for target in ["/x", "/internal"] {
        wire::get(stack.door(), target).await;
    }
    let health = health(&stack).await;
    assert_eq!(health["status"], "ok");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime_seconds"].is_u64());
    assert_eq!(
        health["mail"],
        json!({ "queued": 0, "failed": 0, "transport": "outbox" })
    );
    let metrics = ask(&stack, "GET /metrics", "").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4")
    );
    let text = String::from_utf8(metrics.body).unwrap();
    for line in [
        "# TYPE runner_requests_total counter",
        "runner_requests_total{class=\"2xx\"} 1",
        "runner_requests_total{class=\"4xx\"} 1",
        "runner_requests_in_flight 0",
        "runner_mail_queued 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert!(!text.contains(TOKEN));
}
