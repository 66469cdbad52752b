//! What ends a socket, and what keeps it.

use crate::{
    client::{
        LONG, ask, closed, enter, enter_as, next, open, publish, refused, socket_path,
        until_there_are,
    },
    room_edge::{RoomEdge, SESSION, now},
    stack::Stack,
};
use futures::StreamExt as _;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Soon enough for a test.
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn heartbeats() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.sockets.beat = SOON).await;
    let mut socket = enter(stack.door(), None).await;
    for _ in 0..3 {
        let message = tokio::time::timeout(LONG, socket.next()).await.unwrap();
        assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
    }
}

#[tokio::test]
async fn a_client_that_is_not_there_any_more() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.sockets.beat = SOON;
        config.sockets.silence = SOON * 2;
        config.sockets.goodbye = SOON;
    })
    .await;
    // It is connected and never says a word.
    let silent = enter(stack.door(), None).await;
    until_there_are(&stack, 0).await;
    drop(silent);
}

/// A client that says goodbye waits for the answer, and takes the end without one for a fault.
#[tokio::test]
async fn a_goodbye_is_answered() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    for code in [CloseCode::Normal, CloseCode::Away] {
        let mut socket = enter(stack.door(), None).await;
        let frame = CloseFrame {
            code,
            reason: "done".into(),
        };
        socket.close(Some(frame)).await.unwrap();
        assert_eq!(closed(&mut socket).await, u16::from(code));
        let rest = tokio::time::timeout(LONG, socket.next()).await.unwrap();
        assert!(rest.is_none(), "{rest:?}");
    }
    until_there_are(&stack, 0).await;
}

#[tokio::test]
async fn a_revoked_login_loses_its_sockets() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut revoked = [
        enter_as(stack.door(), 1, None).await,
        enter_as(stack.door(), 1, None).await,
    ];
    let mut other = enter_as(stack.door(), 2, None).await;
    edge.revoke(1);
    edge.checked().await;
    for socket in &mut revoked {
        assert_eq!(closed(socket).await, 4001);
    }
    publish(stack.admin(), 0, 1).await;
    assert_eq!(next(&mut other).await["status"], "0");
    // Who entered just before the login ended, and was not among those asked for.
    let mut late = enter_as(stack.door(), 1, None).await;
    assert_eq!(closed(&mut late).await, 4001);
}

#[tokio::test]
async fn a_token_ends() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    edge.expire(1, now() + 300);
    let mut socket = enter(stack.door(), None).await;
    publish(stack.admin(), 0, 1).await;
    assert_eq!(next(&mut socket).await["status"], "0");
    assert_eq!(closed(&mut socket).await, 4001);
    edge.expire(1, now() - 1);
    let mut late = enter(stack.door(), None).await;
    assert_eq!(closed(&mut late).await, 4001);
}

#[tokio::test]
async fn logins_that_cannot_be_checked() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.sockets.logins = SOON;
        config.sockets.unchecked = SOON * 4;
    })
    .await;
    let mut socket = enter(stack.door(), None).await;
    edge.break_down(Some(http::StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(closed(&mut socket).await, 1013);
    edge.break_down(None);
    let mut again = enter(stack.door(), None).await;
    publish(stack.admin(), 0, 1).await;
    assert_eq!(next(&mut again).await["status"], "0");
}

#[tokio::test]
async fn a_deleted_session() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    publish(stack.admin(), 0, 3).await;
    let mut socket = enter(stack.door(), None).await;
    let line = format!("DELETE /v1/rooms/{SESSION}");
    assert_eq!(ask(stack.admin(), &line, "").await.status(), 204);
    assert_eq!(closed(&mut socket).await, 4004);
    assert!(
        !stack
            .state
            .path()
            .join("rooms")
            .join(SESSION.to_string())
            .exists()
    );
}

#[tokio::test]
async fn as_many_readers_as_are_allowed() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.rooms.readers_per_user = 2;
        config.rooms.readers_per_room = 3;
        config.sockets.connections = 4;
    })
    .await;
    let (door, path) = (stack.door(), socket_path());
    let first = enter_as(door, 1, None).await;
    let _second = enter_as(door, 1, None).await;
    let bearer = |user: &'static str| [("authorization", user)];
    let third = open(door, &path, &bearer("Bearer user-1")).await;
    assert_eq!(refused(third), 429);
    let _third = enter_as(door, 2, None).await;
    let fourth = open(door, &path, &bearer("Bearer user-3")).await;
    assert_eq!(refused(fourth), 429);
    drop(first);
    until_there_are(&stack, 2).await;
    let _fourth = enter_as(door, 3, None).await;
}

#[tokio::test]
async fn as_many_sockets_as_there_are_places() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.sockets.connections = 1).await;
    let _first = enter(stack.door(), None).await;
    let bearer = [("authorization", "Bearer user-1")];
    let second = open(stack.door(), &socket_path(), &bearer).await;
    assert_eq!(refused(second), 503);
    assert_eq!(edge.asked().len(), 1, "no ticket is used up for nothing");
}

#[tokio::test]
async fn a_stop_tells_sockets() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut sockets = Vec::new();
    for user in 0..20 {
        sockets.push(enter_as(stack.door(), user, None).await);
    }
    let Stack {
        runner,
        state: _state,
    } = stack;
    let stopping = tokio::spawn(runner.shutdown());
    for socket in &mut sockets {
        assert_eq!(closed(socket).await, 1001);
        let rest = socket.next().await;
        assert!(!matches!(rest, Some(Ok(_))), "{rest:?}");
    }
    assert!(stopping.await.unwrap(), "nothing was cut off");
}
