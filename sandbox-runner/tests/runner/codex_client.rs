//! A client of a coding session's event socket.

use crate::{
    client::{Socket, next, open},
    room_edge::SESSION,
};
use futures::SinkExt as _;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::Message;

pub(crate) fn events_path() -> String {
    format!("/api/sessions/{SESSION}/events")
}

/// Enters as user 1, after an event if one is named: the socket, and what it begins with.
pub(crate) async fn enter(door: SocketAddr, after: Option<u64>) -> (Socket, Value) {
    let after = after.map(|after| after.to_string());
    enter_as(door, 1, after.as_deref()).await
}

pub(crate) async fn enter_as(door: SocketAddr, user: i64, after: Option<&str>) -> (Socket, Value) {
    let mut target = events_path();
    if let Some(after) = after {
        target = format!("{target}?last_event_id={after}");
    }
    let bearer = format!("Bearer user-{user}");
    let opened = open(door, &target, &[("authorization", &bearer)]).await;
    let mut socket = opened.unwrap();
    let ack = next(&mut socket).await;
    assert_eq!(ack["type"], "connection_ack");
    assert_eq!(ack["payload"]["session_id"], json!(SESSION));
    assert!(
        ack["timestamp"].is_i64() && ack.get("id").is_none(),
        "{ack}"
    );
    (socket, ack["payload"].clone())
}

/// The next frame of that type, heartbeats passed over.
pub(crate) async fn frame(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let frame = next(socket).await;
        if frame["type"] != "heartbeat" || kind == "heartbeat" {
            assert_eq!(frame["type"], kind, "{frame}");
            return frame;
        }
    }
}

/// The number of the next event.
pub(crate) async fn number(socket: &mut Socket) -> u64 {
    let frame = frame(socket, "event").await;
    frame["id"].as_u64().unwrap_or_else(|| panic!("{frame}"))
}

pub(crate) async fn say(socket: &mut Socket, frame: &Value) {
    let text = Message::text(frame.to_string());
    socket.send(text).await.unwrap();
}

/// Submits a message.
pub(crate) async fn submit(socket: &mut Socket, id: &str, content: &str) {
    say(socket, &submission(id, content)).await;
}

pub(crate) fn submission(id: &str, content: &str) -> Value {
    let payload = json!({ "type": "user_message", "content": content });
    json!({ "type": "submission", "id": id, "timestamp": 1, "payload": payload })
}
