//! Every input has a limit.

use crate::{
    client::{LONG, Stream, stream_path},
    edge::{Asked, PlayedEdge, RecordingEdge},
    room_edge::RoomEdge,
    stack::Stack,
    wire::{self, Wire},
};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn requests_per_address() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.front_door.rate_limit = 2).await;
    assert_eq!(wire::get(stack.door(), "/x").await.status(), 200);
    assert_eq!(wire::get(stack.door(), "/x").await.status(), 200);
    let refused = wire::get(stack.door(), "/api/sessions").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let problem = refused.json();
    assert_eq!(problem["error"], "TooManyConnections");
    assert_eq!(problem["title"], "Too Many Requests");
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["instance"], "/api/sessions");
    assert_eq!(edge.passed_on().len(), 2);
}

#[tokio::test]
async fn no_limit_on_requests() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.front_door.rate_limit = 0).await;
    for _ in 0..200 {
        assert_eq!(wire::get(stack.door(), "/x").await.status(), 200);
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.front_door.body = 10).await;
    let post = |length: usize| {
        let body = "x".repeat(length);
        format!("POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    assert_eq!(wire::ask(stack.door(), &post(10)).await.status(), 200);
    let refused = wire::ask(stack.door(), &post(11)).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(refused.json()["status"], 413);
    assert_eq!(edge.passed_on().len(), 1);
}

#[tokio::test]
async fn a_body_that_becomes_too_large() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.front_door.body = 10).await;
    let head = "POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = |number: usize| format!("{head}{}0\r\n\r\n", "5\r\n12345\r\n".repeat(number));
    assert_eq!(wire::ask(stack.door(), &chunks(2)).await.status(), 200);
    assert_eq!(wire::ask(stack.door(), &chunks(3)).await.status(), 413);
    assert!(
        edge.passed_on()
            .iter()
            .filter(|one| one.body.is_some())
            .count()
            == 1
    );
}

#[tokio::test]
async fn a_head_that_never_ends() {
    let stack = Stack::start(crate::stack::nowhere().await, |config| {
        config.front_door.head_timeout = SOON;
    })
    .await;
    for start in ["", "GET / HTTP/1.1\r\nhost: h\r\nx: "] {
        let mut client = Wire::connect(stack.door()).await;
        client.write(start).await;
        assert_eq!(client.read_to_end().await, "", "{start:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |request: String, status: u16| {
        let mut client = Wire::connect(stack.door()).await;
        client.write(&request).await;
        assert_eq!(wire::status(&client.read_until("\r\n\r\n").await), status);
    };
    let head = "GET / HTTP/1.1\r\nhost: h\r\n";
    check(format!("{head}x: {}\r\n\r\n", "x".repeat(60_000)), 200).await;
    check(format!("{head}x: {}\r\n\r\n", "x".repeat(70_000)), 431).await;
    check(format!("{head}{}\r\n", "x: y\r\n".repeat(101)), 431).await;
    assert_eq!(edge.passed_on().len(), 1);
}

#[tokio::test]
async fn a_body_that_stops() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.front_door.body_silence = SOON).await;
    let mut client = Wire::connect(stack.door()).await;
    client
        .write("POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nhalf")
        .await;
    let mut asked = edge.next().await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), 408);
    assert_eq!(
        asked.wire.read_to_end().await,
        "half",
        "the edge waits for ever"
    );
}

/// A client that takes nothing of its answer does not hold it, and what it needs, for ever.
#[tokio::test]
async fn an_answer_that_is_not_read() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.front_door.unread = Duration::from_millis(500);
    })
    .await;
    let mut client = Wire::connect(stack.door()).await;
    client.write("GET /x HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut asked = edge.next().await;
    asked.wire.write("HTTP/1.1 200 OK\r\n\r\n").await;
    let piece = vec![b'x'; 64 * 1024];
    let writing = async { while asked.wire.stream.write_all(&piece).await.is_ok() {} };
    tokio::time::timeout(LONG, writing)
        .await
        .expect("the answer is given up");
}

/// What comes from this machine came through a proxy, or is the operator's.
#[tokio::test]
async fn connections_of_this_machine_are_not_counted() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.front_door.connections_per_address = 1;
    })
    .await;
    let request = "GET /x HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Wire::connect(stack.door()).await;
        client.write(request).await;
        assert_eq!(client.answer().await.status(), 200);
        clients.push(client);
    }
}

/// So many requests of an address at a time, which comes through a proxy.
fn at_a_time(requests: usize) -> impl FnOnce(&mut sandbox_runner::Config) {
    move |config| {
        config.front_door.requests_per_address = requests;
        config.front_door.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    }
}

fn request_of(client: &str) -> String {
    format!("GET /api/sessions HTTP/1.1\r\nhost: h\r\nx-forwarded-for: {client}\r\n\r\n")
}

/// A request of `client` that the edge has not answered yet.
async fn held(stack: &Stack, edge: &mut PlayedEdge, client: &str) -> (Wire, Asked) {
    let mut wire = Wire::connect(stack.door()).await;
    wire.write(&request_of(client)).await;
    (wire, edge.next().await)
}

#[tokio::test]
async fn requests_of_an_address_at_a_time() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, at_a_time(2)).await;
    let (ada, eve) = ("198.51.100.7", "198.51.100.8");
    let (mut first, mut answering) = held(&stack, &mut edge, ada).await;
    let _second = held(&stack, &mut edge, ada).await;
    let refused = wire::ask(stack.door(), &request_of(ada)).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["error"], "TooManyConnections");
    // Others have their own.
    let _other = held(&stack, &mut edge, eve).await;
    // An answer that has begun has not ended.
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nha";
    answering.wire.write(head).await;
    first.read_until("\r\n\r\n").await;
    assert_eq!(first.read_exactly(2).await, b"ha");
    let refused = wire::ask(stack.door(), &request_of(ada)).await;
    assert_eq!(refused.status(), 429);
    answering.wire.write("lf").await;
    assert_eq!(first.read_exactly(2).await, b"lf");
    // Its place is free as soon as the front door knows that it has ended.
    let passed = async {
        loop {
            let mut client = Wire::connect(stack.door()).await;
            client.write(&request_of(ada)).await;
            tokio::select! {
                _ = edge.next() => return,
                answer = client.answer() => assert_eq!(answer.status(), 429),
            }
        }
    };
    let passed = tokio::time::timeout(LONG, passed).await;
    passed.expect("the next one is passed on");
}

#[tokio::test]
async fn streams_are_not_among_the_requests_of_an_address() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, at_a_time(1)).await;
    let headers = "authorization: Bearer user-1\r\nx-forwarded-for: 198.51.100.7\r\n";
    let mut streams = Vec::new();
    for _ in 0..3 {
        let stream = Stream::open(stack.door(), &stream_path(), headers).await;
        assert_eq!(wire::status(&stream.head), 200);
        streams.push(stream);
    }
}

#[tokio::test]
async fn connections_at_a_time() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.front_door.connections = 1).await;
    let request = "GET /x HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut first = Wire::connect(stack.door()).await;
    first.write(request).await;
    assert_eq!(first.answer().await.status(), 200);
    let refused = wire::get(stack.door(), "/x").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["status"], 503);
    first.write(request).await;
    assert_eq!(first.answer().await.status(), 200, "who is inside stays");
    // The last answer closes the connection, and the place is free before long.
    first
        .write("GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
        .await;
    first.read_to_end().await;
    while wire::get(stack.door(), "/x").await.status() != 200 {}
}
