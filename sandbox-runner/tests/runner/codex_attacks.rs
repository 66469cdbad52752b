//! What a client of an event socket should not send.

use crate::{
    client::{closed, publish},
    codex_client::{enter, frame, number, say, submission, submit},
    room_edge::RoomEdge,
    stack::Stack,
};
use futures::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// What means nothing is said to mean nothing, with the id where there is one; the socket lives,
/// and the edge is not asked.
#[tokio::test]
async fn frames_that_mean_nothing() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let said = |payload: Value| {
        json!({ "type": "submission", "id": "s1", "timestamp": 1, "payload": payload }).to_string()
    };
    let message = |content: Value| said(json!({ "type": "user_message", "content": content }));
    let decided = json!({ "type": "approval", "id": "c", "decision": "maybe" });
    for (text, id, field) in [
        ("no JSON".to_owned(), Value::Null, None),
        ("[1]".to_owned(), Value::Null, None),
        ("{}".to_owned(), Value::Null, None),
        ("[".repeat(100_000), Value::Null, None),
        (
            json!({ "type": "event", "id": "e" }).to_string(),
            json!("e"),
            Some("type"),
        ),
        (
            json!({ "type": "submission", "id": 7 }).to_string(),
            Value::Null,
            Some("id"),
        ),
        (
            json!({ "type": "submission" }).to_string(),
            Value::Null,
            Some("id"),
        ),
        (said(Value::Null), json!("s1"), Some("payload")),
        (
            said(json!({ "type": "shutdown" })),
            json!("s1"),
            Some("type"),
        ),
        (message(json!(7)), json!("s1"), Some("content")),
        (message(json!(" ")), json!("s1"), Some("content")),
        (
            message(json!("x".repeat(32_001))),
            json!("s1"),
            Some("content"),
        ),
        (said(decided), json!("s1"), Some("decision")),
    ] {
        let (mut socket, _) = enter(stack.door(), None).await;
        socket.send(Message::text(text.as_str())).await.unwrap();
        let refused = frame(&mut socket, "error").await;
        let payload = &refused["payload"];
        assert_eq!(payload["error"], "InvalidRequest", "{text:.80}");
        assert_eq!(payload["status"], 400, "{text:.80}");
        assert_eq!(payload["id"], id, "{text:.80}");
        assert_eq!(payload["errors"][0]["field"].as_str(), field, "{text:.80}");
        let beat = json!({ "type": "heartbeat", "id": "h", "timestamp": 1 });
        say(&mut socket, &beat).await;
        frame(&mut socket, "heartbeat").await;
    }
    let (mut socket, _) = enter(stack.door(), None).await;
    submit(&mut socket, "good", "x").await;
    assert_eq!(edge.said(1).await.len(), 1, "only what means something");
}

#[tokio::test]
async fn frames_that_end_the_socket() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |messages: Vec<Message>, code: u16| {
        let (mut socket, _) = enter(stack.door(), None).await;
        for message in messages {
            // It may be closed before all was written.
            let _ = socket.send(message).await;
        }
        assert_eq!(closed(&mut socket).await, code);
    };
    check(vec![Message::binary(&b"{}"[..])], 1003).await;
    check(vec![Message::text("x".repeat(240 * 1024 + 1))], 1009).await;
    // A few wrong ones may happen, not many.
    check(vec![Message::text("x"); 20], 1008).await;
    let beat = json!({ "type": "heartbeat", "timestamp": 1 }).to_string();
    check(vec![Message::text(beat); 1000], 1008).await;
    assert_eq!(edge.done(), 0);
}

/// The longest message, written the longest way, fits; what one client does wrong is nothing to
/// the others.
#[tokio::test]
async fn the_largest_message() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter(stack.door(), None).await;
    let (mut other, _) = enter(stack.door(), None).await;
    let longest = "\\u5b57".repeat(32_000);
    let text = submission("s1", "?").to_string().replace('?', &longest);
    socket.send(Message::text(text)).await.unwrap();
    let said = edge.said(1).await;
    assert_eq!(said[0].payload["content"], "字".repeat(32_000));
    frame(&mut socket, "event").await;
    socket.send(Message::binary(&b"x"[..])).await.unwrap();
    assert_eq!(closed(&mut socket).await, 1003);
    publish(stack.admin(), 0, 1).await;
    assert_eq!(number(&mut other).await, 1);
}
