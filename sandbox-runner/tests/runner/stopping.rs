//! A stop lets what is under way end, for a while.

use crate::{edge::PlayedEdge, stack::Stack, wire::Wire};
use std::time::Duration;

const STREAM: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_stream_ends_by_itself() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let door = stack.door();
    let mut idle = Wire::connect(door).await;
    let mut client = Wire::connect(door).await;
    client.write("GET /x HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut asked = edge.next().await;
    asked.wire.write(STREAM).await;
    client.read_until("\r\n\r\n").await;
    let Stack {
        runner,
        state: _state,
    } = stack;
    let stopping = tokio::spawn(runner.shutdown());
    // An idle connection is closed at once, which shows that the stop has begun.
    assert_eq!(idle.read_to_end().await, "");
    asked.wire.write("3\r\nend\r\n0\r\n\r\n").await;
    assert_eq!(client.read_to_end().await, "3\r\nend\r\n0\r\n\r\n");
    assert!(stopping.await.unwrap(), "nothing was cut off");
    assert!(
        tokio::net::TcpStream::connect(door).await.is_err(),
        "still listening"
    );
}

#[tokio::test]
async fn a_stream_that_does_not_end_is_cut_off() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.drain = Duration::from_millis(50);
    })
    .await;
    let mut client = Wire::connect(stack.door()).await;
    client.write("GET /x HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut asked = edge.next().await;
    asked.wire.write(STREAM).await;
    client.read_until("\r\n\r\n").await;
    let Stack {
        runner,
        state: _state,
    } = stack;
    assert!(!runner.shutdown().await);
    assert_eq!(client.read_to_end().await, "");
    assert_eq!(asked.wire.read_to_end().await, "");
}
