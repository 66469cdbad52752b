//! Rooms over WebSockets.

use crate::{
    client::{
        LONG, ask, enter, enter_as, next, open, publish, refused, socket_path, until_there_are,
    },
    room_edge::{RoomEdge, SESSION},
    stack::{self, Stack},
    wire,
};
use futures::StreamExt as _;
use serde_json::json;
use std::time::Duration;

/// Soon enough for a test.
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn frames_as_they_are_documented() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut socket = enter(stack.door(), None).await;
    let events = json!({ "events": [
        { "type": "message", "message_id": SESSION, "sender": "agent", "agent": "Mike",
          "content": "你好\n", "final": true },
        { "type": "status", "status": "planning", "agent": "Mike", "detail": null },
        { "type": "tool_call", "tool_call_id": "c", "agent": "Alex", "tool": "exec",
          "phase": "ended", "result": { "exit_code": 0 } },
        { "type": "file_change", "path": "a/b.txt", "kind": "created" },
    ] });
    let answer = crate::client::post(stack.admin(), &events).await;
    let ids = answer.json();
    for (at, event) in events["events"].as_array().unwrap().iter().enumerate() {
        let frame = next(&mut socket).await;
        for (name, value) in event.as_object().unwrap() {
            assert_eq!(&frame[name], value, "{name} in {frame}");
        }
        assert_eq!(frame["event_id"], ids["ids"][at]);
        assert_eq!(frame["session_id"], json!(SESSION));
        let timestamp = frame["timestamp"].as_str().unwrap();
        assert!(
            timestamp.len() == 24 && timestamp.ends_with('Z'),
            "{timestamp}"
        );
    }
    let presence = ask(stack.admin(), &format!("GET /v1/rooms/{SESSION}"), "").await;
    assert_eq!(
        presence.json(),
        json!({ "connections": 1, "users": 1, "newest": null })
    );
}

#[tokio::test]
async fn every_way_to_bring_a_token() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let path = socket_path();
    let check = async |target: String, headers: &[(&'static str, &str)]| {
        open(stack.door(), &target, headers).await.unwrap();
        edge.asked().pop().unwrap()
    };
    let asked = check(path.clone(), &[("authorization", "Bearer user-1")]).await;
    assert_eq!(asked.authorization.as_deref(), Some("Bearer user-1"));
    assert_eq!(asked.session, SESSION.to_string());
    assert_eq!(asked.path, path);
    assert_eq!(asked.host, Some(stack.door().to_string()));
    assert_eq!(
        (asked.origin, asked.ticket, asked.token),
        (None, None, None)
    );
    let asked = check(path.clone(), &[("cookie", "access_token=user-1")]).await;
    assert_eq!(asked.cookie.as_deref(), Some("access_token=user-1"));
    let asked = check(format!("{path}?x=&ticket=t%2Buser-1-a"), &[]).await;
    assert_eq!(asked.ticket.as_deref(), Some("t+user-1-a"));
    let asked = check(format!("/api/v1/ws/sessions/{SESSION}/?token=user-1"), &[]).await;
    assert_eq!(asked.token.as_deref(), Some("user-1"));
    // The edge was asked once for each, and it decides: a ticket is used up.
    assert_eq!(edge.asked().len(), 4);
    let again = open(stack.door(), &format!("{path}?ticket=t%2Buser-1-a"), &[]).await;
    assert_eq!(refused(again), 401);
}

#[tokio::test]
async fn refusals_are_the_edges() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let bearer = [("authorization", "Bearer user-1")];
    let check = async |target: &str, headers: &[(&'static str, &str)], status: u16| {
        assert_eq!(
            refused(open(stack.door(), target, headers).await),
            status,
            "{target}"
        );
    };
    check(&socket_path(), &[], 401).await;
    check("/api/ws/sessions/x", &bearer, 404).await;
    let foreign = [bearer[0], ("origin", "https://evil.example")];
    check(&socket_path(), &foreign, 403).await;
    let ours = format!("http://{}", stack.door());
    open(
        stack.door(),
        &socket_path(),
        &[bearer[0], ("origin", &ours)],
    )
    .await
    .unwrap();
    // Pages of other sites that do not say which they are: not even asked about.
    let asked = edge.asked().len();
    check(
        &socket_path(),
        &[bearer[0], ("sec-fetch-site", "cross-site")],
        403,
    )
    .await;
    assert_eq!(edge.asked().len(), asked);
    let answer = wire::get(stack.door(), &format!("/api/v1/sessions/{SESSION}/events")).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json()["detail"], "the edge says 401");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert!(answer.header("x-request-id").is_some());
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn without_an_edge_nobody_enters() {
    let check = async |edge| {
        let stack = Stack::start(edge, |_| {}).await;
        let answer = wire::get(stack.door(), &crate::client::stream_path()).await;
        assert_eq!(answer.status(), 503);
        assert!(answer.header("retry-after").is_some());
    };
    check(stack::nowhere().await).await;
    let edge = RoomEdge::start().await;
    for status in [500, 502, 503] {
        edge.break_down(http::StatusCode::from_u16(status).ok());
        check(edge.address).await;
    }
}

/// A killed client comes again, wherever it was cut, and has every event once.
#[tokio::test]
async fn cut_at_twenty_points() {
    const EVENTS: u64 = 400;
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.rooms.ring_events = 16).await;
    let (door, admin) = (stack.door(), stack.admin());
    let mut socket = enter(door, None).await;
    let publishing = tokio::spawn(async move {
        for first in (0..EVENTS).step_by(8) {
            publish(admin, first, 8).await;
        }
    });
    // Chosen by a fixed rule that looks like chance.
    let points: Vec<u64> = (1..=20)
        .map(|n| (n * n * 7919 + 31) % (EVENTS - 1))
        .collect();
    let mut got = 0;
    while got < EVENTS {
        let frame = next(&mut socket).await;
        assert_eq!(frame["status"], got.to_string());
        got += 1;
        if points.contains(&got) {
            // Neither a goodbye nor an answer to what is still on its way.
            socket.get_ref().set_zero_linger().unwrap();
            drop(socket);
            let last = frame["event_id"].as_str().unwrap();
            socket = enter(door, Some(last)).await;
        }
    }
    publishing.await.unwrap();
}

#[tokio::test]
async fn what_is_lost_is_said() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.rooms.segment = 1000;
        config.rooms.disk = 3000;
    })
    .await;
    let ids = publish(stack.admin(), 0, 200).await;
    let mut last = ids[199].clone();
    for first in 200..230 {
        last = publish(stack.admin(), first, 1).await.pop().unwrap();
    }
    for (after, reason) in [
        ("garbage", "unknown"),
        ("1:5", "unknown"),
        (&format!("{}9", last), "unknown"),
        (&ids[3], "too_old"),
        ("0", "too_old"),
    ] {
        let mut socket = enter(stack.door(), Some(after)).await;
        let lost = next(&mut socket).await;
        assert_eq!(lost["type"], "history_lost", "{after}");
        assert_eq!(lost["reason"], reason, "{after}");
        let mut before = lost["event_id"].as_str().unwrap().to_owned();
        while before != last {
            let id = next(&mut socket).await["event_id"]
                .as_str()
                .unwrap()
                .to_owned();
            let seq = |id: &str| id.split_once(':').unwrap().1.parse::<u64>().unwrap();
            assert_eq!(seq(&id), seq(&before) + 1, "{after}");
            before = id;
        }
    }
}

/// A reader that takes nothing is cut off; the others do not notice.
#[tokio::test]
async fn a_slow_reader_is_cut_off() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.rooms.lag_bytes = 256 * 1024;
        config.sockets.goodbye = SOON;
    })
    .await;
    let mut slow = enter_as(stack.door(), 1, None).await;
    let mut fast = enter_as(stack.door(), 2, None).await;
    until_there_are(&stack, 2).await;
    let text = "x".repeat(100_000);
    let event = json!({ "events": [{ "type": "status", "status": text }] });
    let mut published = 0;
    // Until what the kernel holds for the slow one is full, and more than it may lag.
    while presence(&stack).await == 2 {
        crate::client::post(stack.admin(), &event).await;
        assert_eq!(next(&mut fast).await["status"], text.as_str());
        published += 1;
        assert!(published < 500, "it is never cut off");
    }
    assert_eq!(presence(&stack).await, 1);
    let metrics = ask(stack.admin(), "GET /metrics", "").await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(
        metrics.contains("\nrunner_room_slow_readers_total 1\n"),
        "{metrics}"
    );
    // It has a part of the events, in order, and no whole goodbye: nothing but the end is sure.
    let mut taken = 0;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(LONG, slow.next()).await {
        taken += u32::from(message.is_text());
    }
    assert!(taken < published, "{taken} of {published}");
}

async fn presence(stack: &Stack) -> u64 {
    let answer = ask(stack.admin(), &format!("GET /v1/rooms/{SESSION}"), "").await;
    answer.json()["connections"].as_u64().unwrap()
}
