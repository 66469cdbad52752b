//! An edge that is down, breaks off or does not answer.

use crate::{
    edge::{PlayedEdge, RecordingEdge},
    stack::{self, Stack},
    wire::{self, Wire},
};
use std::time::Duration;

#[tokio::test]
async fn an_edge_that_is_down_and_comes_back() {
    let address = stack::nowhere().await;
    let stack = Stack::start(address, |_| {}).await;
    let down = wire::get(stack.door(), "/api/health?token=secret").await;
    assert_eq!(down.status(), 503);
    assert_eq!(down.header("retry-after"), Some("1"));
    let problem = down.json();
    assert_eq!(problem["error"], "InternalError");
    assert_eq!(problem["instance"], "/api/health");
    let number = down.header("x-request-id").unwrap();
    assert_eq!(problem["request_id"], number);
    let other = wire::get(stack.door(), "/api/v1/health").await.json();
    assert_eq!(other.get("error"), None);
    let edge = RecordingEdge::start_at(address, &[]).await;
    assert_eq!(wire::get(stack.door(), "/api/health").await.status(), 200);
    assert_eq!(edge.passed_on().len(), 1);
}

#[tokio::test]
async fn an_edge_that_breaks_off() {
    for said in ["", "HTTP/1.1 2", "no http at all\r\n\r\n"] {
        let mut edge = PlayedEdge::start().await;
        let stack = Stack::start(edge.address, |_| {}).await;
        let mut client = Wire::connect(stack.door()).await;
        client.write("GET /x HTTP/1.1\r\nhost: h\r\n\r\n").await;
        let mut asked = edge.next().await;
        asked.wire.write(said).await;
        drop(asked);
        let answer = client.answer().await;
        assert_eq!(answer.status(), 502, "{said}");
        assert_eq!(answer.json()["title"], "Bad Gateway");
        assert_eq!(
            wire::header(&answer.head, "content-type"),
            Some("application/problem+json")
        );
    }
}

#[tokio::test]
async fn an_edge_that_does_not_answer() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.front_door.answer_timeout = Duration::from_millis(50);
    })
    .await;
    let mut client = Wire::connect(stack.door()).await;
    client.write("GET /x HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut asked = edge.next().await;
    assert_eq!(client.answer().await.status(), 504);
    assert_eq!(asked.wire.read_to_end().await, "", "the edge was not told");
}

/// A kept connection that the edge closes in the meantime costs nobody a request.
#[tokio::test]
async fn an_edge_that_closes_idle_connections() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut client = Wire::connect(stack.door()).await;
    for _ in 0..50 {
        client
            .write("POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi")
            .await;
        let mut asked = edge.next().await;
        asked.wire.read_exactly(2).await;
        asked
            .wire
            .write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
        assert_eq!(client.answer().await.status(), 200);
        drop(asked);
    }
}
