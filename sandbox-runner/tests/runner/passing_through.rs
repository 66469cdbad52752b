//! Requests and answers go through the front door piece by piece.

use crate::{
    edge::{PlayedEdge, RecordingEdge},
    stack::Stack,
    wire::{self, Wire},
};

const GET: &str = "GET /api/v1/chat HTTP/1.1\r\nhost: h\r\n\r\n";
const STREAM: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn an_answer_arrives_as_it_is_written() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut client = Wire::connect(stack.door()).await;
    client.write(GET).await;
    let mut asked = edge.next().await;
    asked.wire.write(STREAM).await;
    let head = client.read_until("\r\n\r\n").await;
    assert_eq!(wire::status(&head), 200);
    // The next piece is written only after the client has the one before.
    for number in 0..100 {
        let event = format!("data: {number}\n\n");
        let chunk = format!("{:X}\r\n{event}\r\n", event.len());
        asked.wire.write(&chunk).await;
        assert_eq!(client.read_exactly(chunk.len()).await, chunk.as_bytes());
    }
    asked.wire.write("0\r\n\r\n").await;
    assert_eq!(client.read_exactly(5).await, b"0\r\n\r\n");
}

#[tokio::test]
async fn a_request_arrives_as_it_is_written() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut client = Wire::connect(stack.door()).await;
    client
        .write("POST /upload HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let mut asked = edge.next().await;
    assert_eq!(
        wire::header(&asked.head, "transfer-encoding"),
        Some("chunked")
    );
    for number in 0..100 {
        let piece = format!("piece {number}");
        client
            .write(&format!("{:x}\r\n{piece}\r\n", piece.len()))
            .await;
        assert!(asked.wire.read_until(&piece).await.ends_with(&piece));
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(asked.wire.read_until("0\r\n\r\n").await, "\r\n0\r\n\r\n");
    asked
        .wire
        .write("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")
        .await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status(), answer.body.as_slice()),
        (201, b"ok".as_slice())
    );
}

#[tokio::test]
async fn the_edge_sees_that_the_client_left() {
    for head_first in [false, true] {
        let mut edge = PlayedEdge::start().await;
        let stack = Stack::start(edge.address, |_| {}).await;
        let mut client = Wire::connect(stack.door()).await;
        client.write(GET).await;
        let mut asked = edge.next().await;
        if head_first {
            asked.wire.write(STREAM).await;
            client.read_until("\r\n\r\n").await;
        }
        drop(client);
        assert_eq!(
            asked.wire.read_to_end().await,
            "",
            "head first: {head_first}"
        );
    }
}

#[tokio::test]
async fn the_client_sees_that_the_edge_broke_off() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut client = Wire::connect(stack.door()).await;
    client.write(GET).await;
    let mut asked = edge.next().await;
    asked.wire.write(STREAM).await;
    asked.wire.write("4\r\nhalf\r\n").await;
    client.read_until("\r\n\r\n").await;
    assert_eq!(client.read_exactly(9).await, b"4\r\nhalf\r\n");
    drop(asked);
    assert_eq!(client.read_to_end().await, "", "an end was made up");
}

#[tokio::test]
async fn connections_are_reused_on_both_sides() {
    let mut edge = PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut client = Wire::connect(stack.door()).await;
    client.write(GET).await;
    let mut asked = edge.next().await;
    for _ in 0..3 {
        asked
            .wire
            .write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
        assert_eq!(client.answer().await.body, b"ok");
        client.write(GET).await;
        let head = asked.wire.read_until("\r\n\r\n").await;
        assert!(head.starts_with("GET /api/v1/chat HTTP/1.1\r\n"), "{head}");
    }
}

#[tokio::test]
async fn answers_keep_their_form() {
    let check = async |request: &str, answer: &str, expected: &str| {
        let mut edge = PlayedEdge::start().await;
        let stack = Stack::start(edge.address, |_| {}).await;
        let mut client = Wire::connect(stack.door()).await;
        client
            .write(&format!(
                "{request}\r\nhost: h\r\nconnection: close\r\n\r\n"
            ))
            .await;
        let mut asked = edge.next().await;
        asked.wire.write(answer).await;
        let whole = client.read_to_end().await.to_ascii_lowercase();
        assert!(whole.contains(expected), "{request}: {whole}");
        assert!(!whole.contains("keep-alive"), "{whole}");
        (whole, asked)
    };
    let length = "content-length: 1234";
    let head = format!("HTTP/1.1 200 OK\r\n{length}\r\nkeep-alive: timeout=5\r\n\r\n");
    let (whole, _) = check("HEAD / HTTP/1.1", &head, length).await;
    assert!(whole.ends_with("\r\n\r\n"), "{whole}");
    let none = "HTTP/1.1 204 No Content\r\n\r\n";
    check("DELETE /x HTTP/1.1", none, "http/1.1 204 no content").await;
    let same = "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n";
    check("GET /x HTTP/1.1", same, "etag: \"a\"").await;
    let cookies =
        "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n";
    check(
        "GET /x HTTP/1.1",
        cookies,
        "set-cookie: a=1\r\nset-cookie: b=2",
    )
    .await;
    let (_, asked) = check("GET /x?token=%2F&b=c%20d HTTP/1.1", none, "204").await;
    assert!(
        asked
            .head
            .starts_with("GET /x?token=%2F&b=c%20d HTTP/1.1\r\n"),
        "{}",
        asked.head
    );
    let absolute = check("GET http://other.example:81/y?z HTTP/1.1", none, "204")
        .await
        .1;
    assert!(
        absolute.head.starts_with("GET /y?z HTTP/1.1\r\n"),
        "{}",
        absolute.head
    );
    assert_eq!(
        wire::header(&absolute.head, "x-forwarded-host"),
        Some("other.example:81")
    );
}

#[tokio::test]
async fn large_bodies_pass_whole() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let body: String = (0..400_000).map(|number| format!("{number:07} ")).collect();
    let head = format!(
        "POST /big HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = wire::ask(stack.door(), &(head + &body)).await;
    assert_eq!(answer.status(), 200);
    let record = edge.passed_on().pop().unwrap();
    assert_eq!(record.headers["content-length"], body.len().to_string());
    assert!(
        record.body.unwrap() == body.as_bytes(),
        "the body changed on its way"
    );
}
