//! No spelling of `/internal` gets past the front door.

use crate::{edge::RecordingEdge, stack::Stack, wire};

#[tokio::test]
async fn no_spelling_of_internal_passes() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |target: &str| {
        let answer = wire::get(stack.door(), target).await;
        assert!(
            matches!(answer.status(), 400 | 404),
            "{target}: {}",
            answer.head
        );
        let passed: Vec<String> = edge.passed_on().into_iter().map(|one| one.target).collect();
        assert_eq!(passed, [""; 0], "{target}");
    };
    for target in [
        "/internal",
        "/internal/",
        "/internal/migrate",
        "/internal?x=1",
        "/internal#x",
        "//internal/migrate",
        "///internal/migrate",
        "/./internal/migrate",
        "/.//internal/migrate",
        "/x/../internal/migrate",
        "/x//../internal/migrate",
        "/../internal/migrate",
        "/../../x/../internal/migrate",
        "/internal/../api/v1/health",
        "/api/v1/../../internal/migrate",
        "/%69nternal/migrate",
        "/i%6Eternal/migrate",
        "/%69%6e%74%65%72%6e%61%6c/migrate",
        "/%2finternal/migrate",
        "/%2Finternal%2Fmigrate",
        "/internal%2fmigrate",
        "/x%2f..%2finternal%2fmigrate",
        "/%2e/internal/migrate",
        "/x/%2e%2e/internal/migrate",
        "/x/.%2E/internal/migrate",
        "/%2569nternal/migrate",
        "/%252finternal/migrate",
        "/%25252569nternal/migrate",
        "/x/%252e%252e/internal/migrate",
        "/\\internal/migrate",
        "\\internal/migrate",
        "/x\\..\\internal/migrate",
        "/%5cinternal/migrate",
        "/%255cinternal/migrate",
        "/internal;x=1/migrate",
        "/;x/internal/migrate",
        "/x/..;x/internal/migrate",
        "/internal%3bx/migrate",
        "/internal%3fx",
        "/internal%00/migrate",
        "/%00internal/migrate",
        "/internal%20/migrate",
        "/inter%0anal/migrate",
        "http://127.0.0.1/internal/migrate",
        "http://127.0.0.1//internal/migrate",
        "http://x@127.0.0.1/%69nternal/migrate",
        "internal/migrate",
        "*",
    ] {
        check(target).await;
    }
}

#[tokio::test]
async fn the_token_opens_nothing_and_other_methods_neither() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE"] {
        let request = format!(
            "{method} /internal/migrate HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n\
             x-original-url: /internal/migrate\r\ncontent-length: 0\r\n\r\n",
            crate::stack::TOKEN
        );
        let answer = wire::ask(stack.door(), &request).await;
        assert_eq!(answer.status(), 404, "{method}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["instance"], "/internal/migrate");
    }
    let connect = "CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: h\r\n\r\n";
    let answer = wire::ask(stack.door(), connect).await;
    assert_eq!(
        (answer.status(), answer.header("allow").is_some()),
        (405, true)
    );
    assert!(edge.passed_on().is_empty());
}

#[tokio::test]
async fn similar_paths_pass_unchanged() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let targets = [
        "/internals",
        "/api/internal",
        "/a%2Finternal",
        "/100%25",
        "/x/../y",
        "/?/internal",
    ];
    for target in targets {
        assert_eq!(
            wire::get(stack.door(), target).await.status(),
            200,
            "{target}"
        );
    }
    let passed: Vec<String> = edge.passed_on().into_iter().map(|one| one.target).collect();
    assert_eq!(passed, targets);
}
