//! Event sockets of coding sessions: what they send, and where they go on.

use crate::{
    client::{self, LONG, ask, closed, next, open, publish, refused, until_there_are},
    codex_client::{enter, enter_as, events_path, frame, number, say},
    room_edge::{RoomEdge, SESSION},
    room_restarts::Process,
    stack::Stack,
    wire,
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::time::Duration;

/// Soon enough for a test.
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn frames_as_they_are_documented() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, ack) = enter(stack.door(), None).await;
    let begin = json!({
        "session_id": SESSION, "last_event_id": 0, "newest_event_id": 0,
        "heartbeat_interval": 15_000,
    });
    assert_eq!(ack, begin);
    let events = json!({ "events": [
        { "type": "run_started", "run_id": SESSION },
        { "type": "message", "message_id": SESSION, "sender": "agent", "agent": "Alex",
          "content": "你好\n", "final": true },
        { "type": "file_change", "path": "a.txt", "kind": "created" },
    ] });
    assert_eq!(client::post(stack.admin(), &events).await.status(), 200);
    let kinds = ["task_started", "agent_message", "background_event"];
    for (at, kind) in kinds.iter().enumerate() {
        let frame = next(&mut socket).await;
        assert_eq!(frame["type"], "event");
        assert_eq!(frame["id"], at + 1);
        assert_eq!(frame["payload"]["type"], *kind);
        assert!(frame["timestamp"].as_i64().unwrap() > 1_600_000_000_000);
        assert_eq!(frame.as_object().unwrap().len(), 4, "{frame}");
    }
    let asked = edge.asked().pop().unwrap();
    assert_eq!(
        (asked.path, asked.session),
        (events_path(), SESSION.to_string())
    );
}

#[tokio::test]
async fn heartbeats_both_ways() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.sockets.beat = SOON).await;
    let (mut socket, ack) = enter(stack.door(), None).await;
    assert_eq!(ack["heartbeat_interval"], 50);
    publish(stack.admin(), 0, 3).await;
    for _ in 0..3 {
        number(&mut socket).await;
    }
    let beat = frame(&mut socket, "heartbeat").await;
    assert_eq!(beat["payload"], json!({ "newest_event_id": 3 }));
    let own = json!({ "type": "heartbeat", "id": "h1", "timestamp": 1, "payload": {} });
    say(&mut socket, &own).await;
    loop {
        let beat = frame(&mut socket, "heartbeat").await;
        if beat["payload"]["id"] == "h1" {
            break;
        }
    }
}

#[tokio::test]
async fn a_socket_goes_on_where_it_is_told_to() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    publish(stack.admin(), 0, 10).await;
    let check = async |after: Option<&str>, first: u64| {
        let (mut socket, ack) = enter_as(stack.door(), 1, after).await;
        assert_eq!(ack["last_event_id"], first - 1, "{after:?}");
        let newest = ack["newest_event_id"].as_u64().unwrap();
        publish(stack.admin(), 0, 1).await;
        for expected in first..=newest + 1 {
            assert_eq!(number(&mut socket).await, expected, "{after:?}");
        }
    };
    check(Some("0"), 1).await;
    check(Some("4"), 5).await;
    check(Some("12"), 13).await;
    check(None, 14).await;
    check(Some(""), 15).await;
    // A browser that connects again, and others that set the header.
    let headers = [("authorization", "Bearer user-1"), ("last-event-id", "13")];
    let target = format!("{}?last_event_id=2", events_path());
    let mut socket = open(stack.door(), &target, &headers).await.unwrap();
    assert_eq!(next(&mut socket).await["payload"]["last_event_id"], 13);
    // What never was, or not yet: it is said, and all that is kept comes.
    for unknown in ["99", "x", "1:2", "-1", "18446744073709551615"] {
        let (mut socket, _) = enter_as(stack.door(), 1, Some(unknown)).await;
        let lost = frame(&mut socket, "error").await;
        assert_eq!(lost["payload"]["error"], "EventsLost", "{unknown}");
        assert_eq!(lost["payload"]["last_event_id"], 0, "{unknown}");
        assert_eq!(number(&mut socket).await, 1, "{unknown}");
    }
}

/// A client that is cut off, wherever that is, comes again and has every event once.
#[tokio::test]
async fn cut_at_fifty_points() {
    const EVENTS: u64 = 800;
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.rooms.ring_events = 16).await;
    let (door, admin) = (stack.door(), stack.admin());
    let (mut socket, _) = enter(door, None).await;
    let publishing = tokio::spawn(async move {
        for first in (0..EVENTS).step_by(8) {
            publish(admin, first, 8).await;
        }
    });
    // Chosen by a fixed rule that looks like chance.
    let mut points: Vec<u64> = (1..=50)
        .map(|n| 1 + (n * n * 7919 + 31) % (EVENTS - 1))
        .collect();
    points.sort_unstable();
    points.dedup();
    assert!(points.len() >= 45);
    let (mut got, mut cuts) = (0, 0);
    while got < EVENTS {
        got += 1;
        assert_eq!(number(&mut socket).await, got);
        if points.contains(&got) {
            // Neither a goodbye nor an answer to what is still on its way.
            socket.get_ref().set_zero_linger().unwrap();
            drop(socket);
            (socket, _) = enter(door, Some(got)).await;
            cuts += 1;
        }
    }
    publishing.await.unwrap();
    // And at places where it had nothing new yet.
    while cuts < 50 {
        drop(socket);
        (socket, _) = enter(door, Some(got)).await;
        publish(admin, got, 1).await;
        got += 1;
        assert_eq!(number(&mut socket).await, got);
        cuts += 1;
    }
}

/// The runner is killed again and again: numbers go on, and nothing is missing or twice.
#[tokio::test]
async fn numbers_go_on_after_a_kill() {
    let edge = RoomEdge::start().await;
    let state = tempfile::tempdir().unwrap();
    let mut runner = Process::start(&state, edge.address).await;
    let mut got = 0;
    for round in 1..=4_u64 {
        let (mut socket, ack) = enter(runner.door, Some(got)).await;
        assert_eq!(ack["last_event_id"], got);
        for first in 0..4 {
            publish(runner.admin, first, 10).await;
        }
        // Only a part of it is read before the kill.
        while got < round * 40 - 15 {
            got += 1;
            assert_eq!(number(&mut socket).await, got);
        }
        runner.child.kill().await.unwrap();
        runner = Process::start(&state, edge.address).await;
    }
    let (mut socket, ack) = enter(runner.door, Some(0)).await;
    assert_eq!(ack["newest_event_id"], 160);
    for expected in 1..=160 {
        assert_eq!(number(&mut socket).await, expected);
    }
}

/// Whoever asks how a session is sees a number without an epoch, as on a socket.
#[tokio::test]
async fn a_number_that_was_asked_for_is_kept() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let newest = async |query: &str| {
        let line = format!("GET /v1/rooms/{SESSION}{query}");
        ask(stack.admin(), &line, "").await.json()["newest"].clone()
    };
    let room = stack.state.path().join("rooms").join(SESSION.to_string());
    assert_eq!(newest("?newest=true").await, 0);
    assert!(!room.exists());
    publish(stack.admin(), 0, 3).await;
    assert_eq!(newest("").await, Value::Null);
    assert!(!room.join("lasting").exists());
    assert_eq!(newest("?newest=true").await, 3);
    assert!(room.join("lasting").exists());
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_said() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.rooms.segment = 1000;
        config.rooms.disk = 3000;
    })
    .await;
    publish(stack.admin(), 0, 200).await;
    for first in 200..230 {
        publish(stack.admin(), first, 1).await;
    }
    for after in [0, 3] {
        let (mut socket, ack) = enter(stack.door(), Some(after)).await;
        let lost = frame(&mut socket, "error").await;
        assert_eq!(lost["payload"]["error"], "EventsLost");
        assert_eq!(lost["payload"]["status"], 410);
        let mut last = lost["payload"]["last_event_id"].as_u64().unwrap();
        assert_eq!(ack["last_event_id"], last);
        assert!(last > after);
        while last < 230 {
            assert_eq!(number(&mut socket).await, last + 1);
            last += 1;
        }
    }
}

#[tokio::test]
async fn as_many_sockets_as_are_allowed() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.sockets.codex_per_session = 3;
        config.rooms.readers_per_user = 2;
    })
    .await;
    let door = stack.door();
    let check = async |user: i64| {
        let bearer = format!("Bearer user-{user}");
        let headers = format!(
            "host: {door}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             authorization: {bearer}\r\n"
        );
        let request = format!(
            "GET {} HTTP/1.1\r\n{headers}connection: close\r\n\r\n",
            events_path()
        );
        wire::ask(door, &request).await
    };
    let too_many = |answer: &wire::Answer| {
        assert_eq!(answer.status(), 429);
        assert!(answer.header("retry-after").is_some());
        let problem = answer.json();
        assert_eq!(problem["error"], "TooManyConnections");
        assert_eq!(problem["instance"], events_path());
        assert_eq!(problem["status"], 429);
    };
    let (first, _) = enter_as(door, 1, None).await;
    let (_second, _) = enter_as(door, 1, None).await;
    too_many(&check(1).await);
    let (_third, _) = enter_as(door, 2, None).await;
    too_many(&check(3).await);
    drop(first);
    until_there_are(&stack, 2).await;
    let (_fourth, _) = enter_as(door, 3, None).await;
}

#[tokio::test]
async fn what_limits_are_by_default() {
    let settings = sandbox_runner::sockets::Settings::default();
    assert_eq!(settings.codex_per_session, 64);
    assert_eq!(rooms::Settings::default().readers_per_user, 128);
}

#[tokio::test]
async fn who_may_not_enter() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (door, path) = (stack.door(), events_path());
    let bearer = ("authorization", "Bearer user-1");
    let check = async |target: &str, headers: &[(&'static str, &str)], status: u16| {
        assert_eq!(
            refused(open(door, target, headers).await),
            status,
            "{target} {headers:?}"
        );
    };
    check(&path, &[], 401).await;
    check("/api/sessions/x/events", &[bearer], 404).await;
    check(&path, &[bearer, ("origin", "https://evil.example")], 403).await;
    check(&path, &[bearer, ("origin", "null")], 403).await;
    check(
        &path,
        &[("cookie", "access_token=user-1"), ("origin", "null")],
        403,
    )
    .await;
    check(&path, &[bearer, ("sec-fetch-site", "cross-site")], 403).await;
    let ticket = format!("{path}?last_event_id=0&ticket=user-1-a");
    open(door, &ticket, &[]).await.unwrap();
    check(&ticket, &[], 401).await;
    open(door, &path, &[("cookie", "access_token=user-1")])
        .await
        .unwrap();
    open(door, &format!("{path}?token=user-1"), &[])
        .await
        .unwrap();
    // No opening of a WebSocket, in the words of the contract.
    let answer = wire::get(door, &path).await;
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.json()["error"], "InvalidRequest");
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
}

#[tokio::test]
async fn a_revoked_login_loses_its_socket_within_a_second() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut revoked, _) = enter_as(stack.door(), 1, None).await;
    let (mut other, _) = enter_as(stack.door(), 2, None).await;
    edge.revoke(1);
    let began = tokio::time::Instant::now();
    assert_eq!(closed(&mut revoked).await, 4001);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    publish(stack.admin(), 0, 1).await;
    assert_eq!(number(&mut other).await, 1);
}

#[tokio::test]
async fn a_deleted_session() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let (mut socket, _) = enter(stack.door(), None).await;
    let line = format!("DELETE /v1/rooms/{SESSION}");
    assert_eq!(ask(stack.admin(), &line, "").await.status(), 204);
    assert_eq!(closed(&mut socket).await, 4004);
    let folder = stack.state.path().join("rooms").join(SESSION.to_string());
    assert!(!folder.exists());
}

/// A reader that takes nothing is cut off; the others do not notice.
#[tokio::test]
async fn a_slow_reader_is_cut_off() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.rooms.lag_bytes = 256 * 1024;
        config.sockets.goodbye = Duration::from_secs(5);
    })
    .await;
    let (mut slow, _) = enter_as(stack.door(), 1, None).await;
    let (mut fast, _) = enter_as(stack.door(), 2, None).await;
    until_there_are(&stack, 2).await;
    let text = "x".repeat(100_000);
    let event = json!({ "events": [{ "type": "status", "status": text }] });
    let connections = async || {
        let answer = ask(stack.admin(), &format!("GET /v1/rooms/{SESSION}"), "").await;
        answer.json()["connections"].as_u64().unwrap()
    };
    let mut published = 0;
    while connections().await == 2 {
        client::post(stack.admin(), &event).await;
        published += 1;
        assert_eq!(number(&mut fast).await, published);
        assert!(published < 500, "it is never cut off");
    }
    // What the kernel held is there, in order, then the end: it goes on from the last.
    let mut last = 0;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(LONG, slow.next()).await {
        if let tokio_tungstenite::tungstenite::Message::Text(text) = message {
            let frame: Value = serde_json::from_str(&text).unwrap();
            last += 1;
            assert_eq!(frame["id"], last);
        } else if let tokio_tungstenite::tungstenite::Message::Close(Some(frame)) = message {
            assert_eq!(u16::from(frame.code), 1013);
        }
    }
    assert!(last < published, "{last} of {published}");
    let (mut again, _) = enter(stack.door(), Some(last)).await;
    while last < published {
        last += 1;
        assert_eq!(number(&mut again).await, last);
    }
}
