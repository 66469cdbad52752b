//! Rooms as server-sent events.

use crate::{
    client::{LONG, Stream, publish, stream_path, until_there_are},
    room_edge::{RoomEdge, SESSION},
    stack::Stack,
    wire::{header, status},
};
use serde_json::{Value, json};
use std::time::Duration;

const BEARER: &str = "authorization: Bearer user-1\r\n";
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn events_one_after_the_other() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut stream = Stream::open(stack.door(), &stream_path(), BEARER).await;
    assert_eq!(status(&stream.head), 200);
    assert_eq!(
        header(&stream.head, "content-type"),
        Some("text/event-stream")
    );
    assert_eq!(
        header(&stream.head, "cache-control"),
        Some("no-cache, no-transform")
    );
    assert_eq!(header(&stream.head, "x-accel-buffering"), Some("no"));
    let first = stream.next().await;
    assert_eq!(first[0], "retry: 1000");
    assert!(
        first[1].starts_with("id: ") && first[1].ends_with(":0"),
        "{first:?}"
    );
    let ids = publish(stack.admin(), 0, 3).await;
    for (number, id) in ids.iter().enumerate() {
        let event = stream.next().await;
        assert_eq!(event[0], format!("id: {id}"));
        let data: Value = serde_json::from_str(event[1].strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["status"], number.to_string());
        assert_eq!(data["event_id"], json!(id));
        assert_eq!(data["session_id"], json!(SESSION));
        assert_eq!(event.len(), 2);
    }
    drop(stream);
    until_there_are(&stack, 0).await;
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_cut() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.rooms.ring_events = 4).await;
    // Cut before the first event: the id that it began with is enough.
    let mut stream = Stream::open(stack.door(), &stream_path(), BEARER).await;
    let mut last = stream.field("id").await;
    drop(stream);
    publish(stack.admin(), 0, 40).await;
    for part in 0..4 {
        let (target, headers) = match part {
            0 => (
                format!("{}?last_event_id={last}", stream_path()),
                String::new(),
            ),
            1 => (stream_path(), format!("last-event-id: {last}\r\n")),
            // A browser sends the header beside the address that it was once given.
            2 => (
                format!("{}?last_event_id=1:1", stream_path()),
                format!("Last-Event-ID: {last}\r\n"),
            ),
            _ => (
                format!("/api/v1/sessions/{SESSION}/events/?last_event_id={last}"),
                String::new(),
            ),
        };
        let mut stream = Stream::open(stack.door(), &target, &format!("{BEARER}{headers}")).await;
        assert_eq!(stream.field("id").await, last);
        for number in part * 10..part * 10 + 10 {
            let event = stream.next().await;
            last = event[0].strip_prefix("id: ").unwrap().to_owned();
            assert!(
                event[1].contains(&format!("\"status\":\"{number}\"")),
                "{event:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_lost_is_said() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    publish(stack.admin(), 0, 2).await;
    let headers = format!("{BEARER}last-event-id: 7:7\r\n");
    let mut stream = Stream::open(stack.door(), &stream_path(), &headers).await;
    let lost = stream.field("data").await;
    let lost: Value = serde_json::from_str(&lost).unwrap();
    assert_eq!(lost["type"], "history_lost");
    for number in 0..2 {
        let data = stream.field("data").await;
        assert!(data.contains(&format!("\"status\":\"{number}\"")), "{data}");
    }
}

#[tokio::test]
async fn heartbeats_are_comments() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.sockets.beat = SOON).await;
    let mut stream = Stream::open(stack.door(), &stream_path(), BEARER).await;
    stream.next().await;
    for _ in 0..3 {
        assert_eq!(stream.next().await, [": "]);
    }
}

#[tokio::test]
async fn an_end_is_said() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut revoked = Stream::open(stack.door(), &stream_path(), BEARER).await;
    let other = "authorization: Bearer user-2\r\n";
    let mut other = Stream::open(stack.door(), &stream_path(), other).await;
    edge.revoke(1);
    assert_eq!(revoked.field("event").await, "closed");
    let Stack {
        runner,
        state: _state,
    } = stack;
    let stopping = tokio::spawn(runner.shutdown());
    let event = loop {
        let event = other.next().await;
        if event[0] == "event: closed" {
            break event;
        }
    };
    assert!(event[1].contains("1001"), "{event:?}");
    assert!(stopping.await.unwrap(), "nothing was cut off");
}

/// A stream that takes nothing is ended with its connection: its body would never be asked again.
#[tokio::test]
async fn a_slow_reader_is_cut_off() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.rooms.lag_bytes = 256 * 1024;
        config.sockets.goodbye = SOON;
    })
    .await;
    let mut slow = Stream::open(stack.door(), &stream_path(), BEARER).await;
    until_there_are(&stack, 1).await;
    let text = "x".repeat(100_000);
    let event = json!({ "events": [{ "type": "status", "status": text }] });
    let cutting = async {
        loop {
            crate::client::post(stack.admin(), &event).await;
            let line = format!("GET /v1/rooms/{SESSION}");
            let presence = crate::client::ask(stack.admin(), &line, "").await;
            if presence.json()["connections"] == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, cutting)
        .await
        .expect("it is cut off");
    // Nothing was read yet: it is not the reader who ends it.
    let cut = async {
        loop {
            let metrics = crate::client::ask(stack.admin(), "GET /metrics", "").await;
            let metrics = String::from_utf8(metrics.body).unwrap();
            if metrics.contains("\nrunner_requests_in_flight 0\n") {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, cut)
        .await
        .expect("the connection is cut");
    let ended = tokio::time::timeout(LONG, slow.wire.read_to_end()).await;
    assert!(ended.is_ok(), "the connection is closed");
}

#[tokio::test]
async fn a_page_that_is_let_in_can_read_it() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.front_door.origins = origins::Origins::parse("http://app.example").unwrap();
    })
    .await;
    let headers = format!("{BEARER}origin: http://{}\r\n", stack.door());
    let stream = Stream::open(stack.door(), &stream_path(), &headers).await;
    assert_eq!(status(&stream.head), 200);
    assert_eq!(header(&stream.head, "access-control-allow-origin"), None);
    let headers = format!("{BEARER}origin: http://app.example\r\nhost: app.example\r\n");
    let stream = Stream::open(stack.door(), &stream_path(), &headers).await;
    // The fake edge lets nobody in from elsewhere, but the refusal can be read.
    let allowed = header(&stream.head, "access-control-allow-origin");
    assert_eq!(allowed, Some("http://app.example"));
}
