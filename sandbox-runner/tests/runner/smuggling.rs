//! No request hides inside another.

use crate::{
    edge::RecordingEdge,
    stack::Stack,
    wire::{self, Wire},
};

/// A request that must never be taken for one.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n";

/// Sends a request with `head` and `body` and a hidden one after it. Returns the status.
async fn try_to_hide(head: &str, body: &str) -> u16 {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut client = Wire::connect(stack.door()).await;
    client
        .write(&format!("POST /first {head}\r\n\r\n{body}{HIDDEN}"))
        .await;
    let first = client.read_until("\r\n\r\n").await;
    let rest = client.read_to_end().await;
    assert!(
        !rest.contains("HTTP/1.1 "),
        "{head}: a second answer: {rest}"
    );
    // Whoever uses the same connection to the edge next must not meet leftovers.
    assert_eq!(
        wire::get(stack.door(), "/next").await.status(),
        200,
        "{head}"
    );
    let passed: Vec<String> = edge.passed_on().into_iter().map(|one| one.target).collect();
    assert!(
        !passed.contains(&"/hidden".to_owned()),
        "{head}: {passed:?}"
    );
    wire::status(&first)
}

#[tokio::test]
async fn ambiguous_lengths_are_refused() {
    let check = async |head: &str, body: &str| {
        let head = format!("HTTP/1.1\r\nhost: h\r\n{head}");
        assert_eq!(try_to_hide(&head, body).await, 400, "{head}");
    };
    check("content-length: 5\r\ncontent-length: 6", "12345").await;
    check("content-length: 5, 6", "12345").await;
    check("content-length: +5", "12345").await;
    check("content-length: 0x5", "12345").await;
    check("content-length: -1", "").await;
    check("content-length: 99999999999999999999999", "").await;
    check("transfer-encoding: xchunked", "0\r\n\r\n").await;
    check("transfer-encoding: identity", "").await;
    check("transfer-encoding: gzip", "").await;
    check("transfer-encoding: chunked, identity", "0\r\n\r\n").await;
    check("transfer-encoding: gzip, chunked", "0\r\n\r\n").await;
    check("transfer-encoding: \u{b}chunked", "0\r\n\r\n").await;
    check("transfer-encoding : chunked", "0\r\n\r\n").await;
    check(
        "content-length: 0\r\n transfer-encoding: chunked",
        "0\r\n\r\n",
    )
    .await;
    check("x: a\0b\r\ncontent-length: 0", "").await;
}

#[tokio::test]
async fn bad_chunks_are_refused() {
    let check = async |body: &str| {
        let head = "HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked";
        assert_eq!(try_to_hide(head, body).await, 400, "{body:?}");
    };
    check("zz\r\n").await;
    check("5\r\n12345678\r\n0\r\n\r\n").await;
    check("-1\r\n\r\n").await;
    check("fffffffffffffffff1\r\n1\r\n0\r\n\r\n").await;
    check("5 5\r\n12345\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn chunks_in_http_1_0_are_refused() {
    let head = "HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked";
    assert_eq!(try_to_hide(head, "0\r\n\r\n").await, 400);
}

/// Both lengths at once: the chunks count, the other length goes no further, and the
/// connection is closed after the answer (RFC 9112, 6.3).
#[tokio::test]
async fn two_kinds_of_length_end_the_connection() {
    let body = "3\r\nabc\r\n0\r\n\r\n";
    for lengths in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        "Transfer-Encoding: Chunked\r\ncontent-length: 200",
    ] {
        let head = format!("HTTP/1.1\r\nhost: h\r\n{lengths}");
        let status = try_to_hide(&head, body).await;
        assert_eq!(status, 200, "{lengths}");
    }
}
