//! Sessions that are gone: what they left here goes too, also where nobody told the runner.

use crate::{
    client::{self, LONG, ask, closed, enter, next, open},
    codex_client,
    room_edge::{RoomEdge, SESSION, room_of},
    stack::Stack,
};
use serde_json::json;
use std::{path::PathBuf, time::Duration};

/// Soon enough for a test.
const SOON: Duration = Duration::from_millis(50);

fn room_in(state: &tempfile::TempDir) -> PathBuf {
    state.path().join("rooms").join(SESSION.to_string())
}

#[tokio::test]
async fn a_session_that_ends_takes_its_room_along() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    client::publish(stack.admin(), 0, 3).await;
    let mut socket = enter(stack.door(), None).await;
    let line = format!("DELETE /v1/sessions/{SESSION}");
    let ended = ask(stack.admin(), &line, "").await;
    assert_eq!(ended.status(), 200);
    assert_eq!(ended.json(), json!({ "destroyed": 0 }));
    assert_eq!(closed(&mut socket).await, 4004);
    assert!(!room_in(&stack.state).exists());
}

#[tokio::test]
async fn readers_learn_of_it_when_the_runner_was_not_told() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.gone_sessions = SOON).await;
    let mut socket = enter(stack.door(), None).await;
    let mut studio = open(stack.door(), "/ws/chat?token=user-1", &[])
        .await
        .unwrap();
    client::publish(stack.admin(), 0, 1).await;
    assert_eq!(next(&mut socket).await["status"], "0");
    edge.delete_session();
    assert_eq!(closed(&mut socket).await, 4004);
    // The room of a user is no session's: the edge is not asked about it, and knows none.
    let line = format!("POST /v1/rooms/{}/events", room_of(1));
    let event = json!({ "type": "workflow_unlocked", "workflow_id": 3 });
    let body = json!({ "events": [event] }).to_string();
    assert_eq!(ask(stack.admin(), &line, &body).await.status(), 200);
    assert_eq!(next(&mut studio).await["type"], "WORKFLOW_UNLOCKED");
    assert!(!edge.asked_about(room_of(1)));
}

#[tokio::test]
async fn a_lasting_room_that_nobody_is_in_goes_with_its_session() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    drop(codex_client::enter(stack.door(), None).await);
    let Stack { runner, state } = stack;
    runner.shutdown().await;
    let room = room_in(&state);
    assert!(room.exists());
    edge.delete_session();
    let _stack = Stack::start_in(state, edge.address, |config| config.gone_sessions = SOON).await;
    let going = async {
        while room.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, going).await.expect("it goes");
}
