//! What clients want over the event socket of a coding session.

use crate::{
    client::{publish, until_there_are},
    codex_client::{enter, enter_as, frame, number, say, submission, submit},
    room_edge::{RoomEdge, SESSION},
    stack::Stack,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The payload of the answer to a submission: an event without a number.
async fn answer(socket: &mut crate::client::Socket) -> Value {
    let frame = frame(socket, "event").await;
    assert!(frame.get("id").is_none(), "{frame}");
    frame["payload"].clone()
}

#[tokio::test]
async fn the_edge_is_asked_in_order_and_answers_this_socket_alone() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter_as(stack.door(), 1, None).await;
    let (mut other, _) = enter_as(stack.door(), 2, None).await;
    for number in 0..10 {
        submit(
            &mut socket,
            &format!("s{number}"),
            &format!("message {number}"),
        )
        .await;
    }
    for number in 0..10 {
        let expected = json!({ "submission_id": format!("s{number}"), "number": number + 1 });
        assert_eq!(answer(&mut socket).await, expected);
    }
    let said = edge.said(10).await;
    for (at, said) in said.iter().enumerate() {
        assert_eq!((said.session, said.user, said.login), (Some(SESSION), 1, 1));
        assert_eq!(said.id, Some(format!("s{at}")));
        let payload = json!({ "type": "user_message", "content": format!("message {at}") });
        assert_eq!(said.payload, payload);
    }
    publish(stack.admin(), 0, 1).await;
    assert_eq!(number(&mut other).await, 1, "it is told nothing before");
}

/// While the edge takes its time, events go on.
#[tokio::test]
async fn events_do_not_wait() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter(stack.door(), None).await;
    edge.hold(true);
    submit(&mut socket, "s1", "x").await;
    submit(&mut socket, "s2", "y").await;
    publish(stack.admin(), 0, 20).await;
    for expected in 1..=20 {
        assert_eq!(number(&mut socket).await, expected);
    }
    let beat = json!({ "type": "heartbeat", "id": "h", "timestamp": 1 });
    say(&mut socket, &beat).await;
    assert_eq!(frame(&mut socket, "heartbeat").await["payload"]["id"], "h");
    assert_eq!(edge.said(1).await.len(), 1, "one after the other");
    edge.hold(false);
    assert_eq!(answer(&mut socket).await["submission_id"], "s1");
    assert_eq!(answer(&mut socket).await["submission_id"], "s2");
}

/// The same id again is answered the same, on whichever socket, and done once.
#[tokio::test]
async fn the_same_again() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter(stack.door(), None).await;
    submit(&mut socket, "s1", "x").await;
    let first = answer(&mut socket).await;
    submit(&mut socket, "s1", "x").await;
    assert_eq!(answer(&mut socket).await, first);
    drop(socket);
    let (mut socket, _) = enter(stack.door(), None).await;
    submit(&mut socket, "s1", "x").await;
    assert_eq!(answer(&mut socket).await, first);
    assert_eq!((edge.said(3).await.len(), edge.done()), (3, 1));
}

/// Who says something and leaves has said it.
#[tokio::test]
async fn a_client_that_left_has_said_it() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter(stack.door(), None).await;
    edge.hold(true);
    for id in ["s1", "s2", "s3"] {
        submit(&mut socket, id, "x").await;
    }
    edge.said(1).await;
    socket.close(None).await.unwrap();
    drop(socket);
    until_there_are(&stack, 0).await;
    edge.hold(false);
    let said = edge.said(3).await;
    let ids: Vec<_> = said.iter().filter_map(|said| said.id.as_deref()).collect();
    assert_eq!(ids, ["s1", "s2", "s3"]);
}

#[tokio::test]
async fn more_than_can_wait() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter(stack.door(), None).await;
    edge.hold(true);
    submit(&mut socket, "first", "x").await;
    edge.said(1).await;
    for number in 0..16 {
        submit(&mut socket, &format!("s{number}"), "x").await;
    }
    submit(&mut socket, "late", "x").await;
    let refused = frame(&mut socket, "error").await;
    assert_eq!(refused["payload"]["id"], "late");
    assert_eq!(refused["payload"]["error"], "TooManyConnections");
    assert_eq!(refused["payload"]["status"], 429);
    edge.hold(false);
    assert_eq!(answer(&mut socket).await["submission_id"], "first");
    for number in 0..16 {
        assert_eq!(
            answer(&mut socket).await["submission_id"],
            format!("s{number}")
        );
    }
    submit(&mut socket, "late", "x").await;
    assert_eq!(answer(&mut socket).await["submission_id"], "late");
    // Few, but large.
    edge.hold(true);
    submit(&mut socket, "a", "x").await;
    edge.said(19).await;
    let large = "\\u0001".repeat(30_000);
    let text = submission("b", "?").to_string().replace('?', &large);
    for _ in 0..3 {
        let text = tokio_tungstenite::tungstenite::Message::text(text.clone());
        futures::SinkExt::send(&mut socket, text).await.unwrap();
    }
    assert_eq!(frame(&mut socket, "error").await["payload"]["status"], 429);
    edge.hold(false);
}

/// The edge is down, or slow, or refuses: it is said with the id, and can be sent again.
#[tokio::test]
async fn when_the_edge_cannot_be_asked() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.sockets.answer = Duration::from_millis(200);
    })
    .await;
    let (mut socket, _) = enter(stack.door(), None).await;
    let mut check = async |status: u16, expected: u16, error: &str| {
        edge.break_down(http::StatusCode::from_u16(status).ok());
        submit(&mut socket, "s1", "x").await;
        let refused = frame(&mut socket, "error").await;
        assert_eq!(refused["payload"]["id"], "s1");
        assert_eq!(refused["payload"]["status"], expected, "{status}");
        assert_eq!(refused["payload"]["error"], error, "{status}");
        edge.break_down(None);
    };
    check(500, 503, "InternalError").await;
    check(503, 503, "InternalError").await;
    check(401, 401, "Unauthorized").await;
    check(404, 404, "SessionNotFound").await;
    check(409, 409, "Conflict").await;
    check(422, 400, "InvalidRequest").await;
    edge.hold(true);
    submit(&mut socket, "s1", "x").await;
    let late = frame(&mut socket, "error").await;
    assert_eq!(late["payload"]["status"], 504);
    edge.hold(false);
    submit(&mut socket, "s1", "x").await;
    assert_eq!(answer(&mut socket).await["submission_id"], "s1");
    assert_eq!(edge.done(), 1);
}
