//! `/ws/chat`: one socket for all studio sessions of a user.

use crate::{
    client::{Socket, ask, closed, next, open, refused},
    room_edge::{RoomEdge, room_of},
    stack::Stack,
    wire,
};
use futures::SinkExt as _;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::Message;

/// Enters as that user, after an event if one is named.
async fn enter(door: SocketAddr, user: i64, after: Option<&str>) -> Socket {
    let after = after.map(|after| format!("&last_event_id={after}"));
    let target = format!("/ws/chat?token=user-{user}{}", after.unwrap_or_default());
    open(door, &target, &[]).await.unwrap()
}

/// Puts events into the room of a user; their numbers.
async fn publish(stack: &Stack, user: i64, events: Value) -> Vec<String> {
    let line = format!("POST /v1/rooms/{}/events", room_of(user));
    let body = json!({ "events": events }).to_string();
    let answer = ask(stack.admin(), &line, &body).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status(), 200, "{text}");
    let ids = answer.json()["ids"].as_array().unwrap().clone();
    ids.iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

#[allow(clippy::needless_pass_by_value, reason = "events are written in place")]
fn of_session(session: i64, event: Value) -> Value {
    json!({ "type": "of_session", "session_id": session, "event": event })
}

fn message(session: i64, id: i64, content: &str, last: bool) -> Value {
    let event = json!({ "type": "message", "message_id": room_of(9), "sender": "agent",
        "agent": "Comfy", "content": content, "final": last });
    let mut of = of_session(session, event);
    of["message"] = json!({ "id": id, "created_at": 1_642_694_400_123_i64, "status": "complete" });
    of
}

fn unlocked(workflow: i64) -> Value {
    json!({ "type": "workflow_unlocked", "workflow_id": workflow })
}

async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text.to_owned())).await.unwrap();
}

#[tokio::test]
async fn frames_of_all_sessions_as_they_are_documented() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut socket = enter(stack.door(), 1, None).await;
    let mut other = enter(stack.door(), 2, None).await;
    let progress = json!({ "type": "execution_progress", "workflow_id": 3, "execution_id": 8,
        "node": "5", "value": 2, "max": 20, "status": "RUNNING" });
    let ids = publish(
        &stack,
        1,
        json!([
            { "type": "workflow_locked", "workflow_id": 3, "reason": "Agent editing" },
            { "type": "status", "status": "working" },
            message(1, 12, "He", false),
            of_session(2, progress),
            message(1, 12, "Here", true),
            unlocked(3),
        ]),
    )
    .await;
    let expected = [
        (
            0,
            json!({ "type": "WORKFLOW_LOCKED", "workflowId": 3, "reason": "Agent editing" }),
        ),
        (
            2,
            json!({ "type": "MESSAGE_DELTA", "sessionId": 1, "messageId": 12, "delta": "He" }),
        ),
        (
            3,
            json!({ "type": "EXECUTION_PROGRESS", "sessionId": 2, "workflowId": 3,
            "executionId": 8, "node": "5", "value": 2, "max": 20, "status": "RUNNING" }),
        ),
        (
            4,
            json!({ "type": "MESSAGE_RECEIVED", "sessionId": 1, "message": { "id": 12,
            "role": "assistant", "content": "Here", "createdAt": "2022-01-20T16:00:00.123Z",
            "status": "complete" } }),
        ),
        (5, json!({ "type": "WORKFLOW_UNLOCKED", "workflowId": 3 })),
    ];
    for (at, mut frame) in expected {
        frame["eventId"] = json!(ids[at]);
        assert_eq!(next(&mut socket).await, frame);
    }
    // Another user's socket was told nothing of it.
    publish(&stack, 2, json!([unlocked(7)])).await;
    assert_eq!(next(&mut other).await["workflowId"], 7);
    // Whoever comes again goes on where they were, also after a frame that nobody was shown.
    for (after, workflow) in [(&ids[0], 12), (&ids[1], 12)] {
        let mut again = enter(stack.door(), 1, Some(after)).await;
        assert_eq!(next(&mut again).await["messageId"], workflow, "{after}");
    }
    let mut last = enter(stack.door(), 1, Some(&ids[5])).await;
    publish(&stack, 1, json!([unlocked(4)])).await;
    assert_eq!(next(&mut last).await["workflowId"], 4);
}

#[tokio::test]
async fn what_is_lost_is_said() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    publish(&stack, 1, json!([unlocked(1)])).await;
    for after in ["1:5", "garbage"] {
        let mut socket = enter(stack.door(), 1, Some(after)).await;
        let lost = next(&mut socket).await;
        assert_eq!(
            (&lost["type"], &lost["code"]),
            (&json!("ERROR"), &json!(410)),
            "{lost}"
        );
        assert!(lost["eventId"].is_string(), "{lost}");
    }
}

#[tokio::test]
async fn messages_go_to_the_edge_and_refusals_come_back() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut socket = enter(stack.door(), 1, None).await;
    let mut second = enter(stack.door(), 1, None).await;
    let sent = json!({ "type": "SEND_MESSAGE", "sessionId": 4, "content": "Wider, 更宽" });
    say(&mut socket, &sent.to_string()).await;
    let said = edge.said(1).await;
    assert_eq!((said[0].session, said[0].user, said[0].login), (None, 1, 1));
    assert_eq!((said[0].id.as_deref(), &said[0].payload), (None, &sent));
    for (text, code) in [
        ("{", 400),
        ("hello", 400),
        (r#"{"type":"NONSENSE","sessionId":4}"#, 400),
        (
            r#"{"type":"SEND_MESSAGE","sessionId":404,"content":"x"}"#,
            404,
        ),
    ] {
        say(&mut socket, text).await;
        let error = next(&mut socket).await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("ERROR"), &json!(code)),
            "{text}"
        );
        assert!(
            error["message"].is_string() && error.get("eventId").is_none(),
            "{error}"
        );
    }
    // The longest message that there may be, every letter escaped.
    let longest = "\\ud83d\\ude00".repeat(32_000);
    let text = format!(r#"{{"type":"SEND_MESSAGE","sessionId":4,"content":"{longest}"}}"#);
    say(&mut socket, &text).await;
    let content = edge.said(4).await[3].payload["content"].clone();
    assert_eq!(content.as_str().unwrap().chars().count(), 32_000);
    // Whoever else listens is told nothing of refusals.
    publish(&stack, 1, json!([unlocked(3)])).await;
    assert_eq!(next(&mut second).await["type"], "WORKFLOW_UNLOCKED");
}

#[tokio::test]
async fn an_edge_that_is_down_is_said() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut socket = enter(stack.door(), 1, None).await;
    edge.break_down(http::StatusCode::from_u16(500).ok());
    say(
        &mut socket,
        r#"{"type":"SEND_MESSAGE","sessionId":4,"content":"x"}"#,
    )
    .await;
    let error = next(&mut socket).await;
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("ERROR"), &json!(503)),
        "{error}"
    );
}

#[tokio::test]
async fn who_may_enter() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let door = stack.door();
    for (target, headers) in [
        ("/ws/chat", vec![("authorization", "Bearer user-1")]),
        ("/ws/chat/", vec![("cookie", "access_token=user-1")]),
        ("/ws/chat?ticket=user-1-a", vec![]),
        ("//ws//chat?token=user-1", vec![]),
    ] {
        open(door, target, &headers).await.unwrap();
        let asked = edge.asked().pop().unwrap();
        assert_eq!(asked.session, "", "{target}");
    }
    assert_eq!(
        refused(open(door, "/ws/chat?ticket=user-1-a", &[]).await),
        401
    );
    assert_eq!(refused(open(door, "/ws/chat", &[]).await), 401);
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(
        refused(open(door, "/ws/chat?token=user-1", &foreign).await),
        403
    );
    let answer = wire::get(door, "/ws/chat?token=user-1").await;
    assert_eq!(answer.status(), 426);
    // Whose login ends is sent away.
    let mut socket = enter(door, 3, None).await;
    edge.revoke(3);
    assert_eq!(closed(&mut socket).await, 4001);
}
