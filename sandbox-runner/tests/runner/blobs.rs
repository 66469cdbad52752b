//! Bytes that the edge has kept.

use crate::{admin::ask, edge::RecordingEdge, stack::Stack};

const BLOB: &str = "/v1/blobs/0190a5c0-0000-7000-8000-0000000000ff";

#[tokio::test]
async fn they_are_there_when_all_have_come_and_outlast_the_runner() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |line: &str, body: &str, status: u16| {
        let answer = ask(&stack, line, body).await;
        assert_eq!(answer.status(), status, "{line}: {}", answer.head);
        answer
    };
    check(&format!("GET {BLOB}"), "", 404).await;
    check(&format!("PUT {BLOB}?from=0"), "abc", 204).await;
    check(&format!("GET {BLOB}"), "", 404).await;
    check(&format!("PUT {BLOB}?from=7&last=true"), "x", 409).await;
    check(&format!("PUT {BLOB}?from=3&last=true"), "def", 204).await;
    let whole = check(&format!("GET {BLOB}"), "", 200).await;
    assert_eq!(whole.body, b"abcdef");
    assert!(whole.head.contains("content-length: 6"), "{}", whole.head);
    check(&format!("PUT {BLOB}?from=0&last=true"), "other", 409).await;
    let beyond = 256 << 20;
    let other = BLOB.replace("ff", "fe");
    check(&format!("PUT {other}?from={beyond}"), "x", 413).await;
    check("GET /v1/blobs/../../etc/passwd", "", 404).await;
    check("GET /v1/blobs/..%2f..%2fetc%2fpasswd", "", 400).await;
    for _ in 0..2 {
        check(&format!("DELETE {BLOB}"), "", 204).await;
    }
    check(&format!("GET {BLOB}"), "", 404).await;
}

#[tokio::test]
async fn a_piece_has_a_limit() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let most = "x".repeat(4 << 20);
    let answer = ask(&stack, &format!("PUT {BLOB}"), &most).await;
    assert_eq!(answer.status(), 204);
    let answer = ask(&stack, &format!("PUT {BLOB}"), &format!("{most}x")).await;
    assert_eq!(answer.status(), 413);
}
