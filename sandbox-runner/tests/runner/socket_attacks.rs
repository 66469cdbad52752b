//! What a client should not send.

use crate::{
    client::{LONG, enter, next, publish, socket_path},
    room_edge::RoomEdge,
    stack::Stack,
    wire::{self, Wire},
};

const HANDSHAKE: &str = "host: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    authorization: Bearer user-1\r\n";

async fn opening(stack: &Stack, line: &str, headers: &str) -> (Wire, String) {
    let mut wire = Wire::connect(stack.door()).await;
    wire.write(&format!("{line}\r\n{headers}\r\n")).await;
    let head = wire.read_until("\r\n\r\n").await;
    (wire, head)
}

#[tokio::test]
async fn openings() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let get = format!("GET {} HTTP/1.1", socket_path());
    let check = async |line: &str, headers: &str, status: u16| {
        let asked = edge.asked().len();
        let (_, head) = opening(&stack, line, headers).await;
        assert_eq!(wire::status(&head), status, "{line} {headers}");
        let entered = usize::from(status == 101);
        assert_eq!(edge.asked().len(), asked + entered, "{line} {headers}");
        head
    };
    let head = check(&get, HANDSHAKE, 101).await;
    let accept = wire::header(&head, "sec-websocket-accept");
    assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(wire::header(&head, "sec-websocket-protocol"), None);
    assert_eq!(wire::header(&head, "sec-websocket-extensions"), None);
    let without = |name: &str| -> String {
        let lines = HANDSHAKE.split_inclusive("\r\n");
        lines.filter(|line| !line.starts_with(name)).collect()
    };
    for name in ["connection", "upgrade", "sec-websocket-version"] {
        let head = check(&get, &without(name), 426).await;
        assert_eq!(wire::header(&head, "upgrade"), Some("websocket"));
        assert_eq!(wire::header(&head, "sec-websocket-version"), Some("13"));
    }
    check(&get, &without("sec-websocket-key"), 400).await;
    let keys = [
        "short==",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "!!!!!!!!!!!!!!!!!!!!!!==",
    ];
    for key in keys {
        let headers = format!(
            "{}sec-websocket-key: {key}\r\n",
            without("sec-websocket-key")
        );
        check(&get, &headers, 400).await;
    }
    let twice = format!("{HANDSHAKE}sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    check(&get, &twice, 400).await;
    let old = format!(
        "{}sec-websocket-version: 8\r\n",
        without("sec-websocket-version")
    );
    check(&get, &old, 426).await;
    check(&get.replace("1.1", "1.0"), HANDSHAKE, 426).await;
    let offers = format!("{HANDSHAKE}sec-websocket-protocol: atelier.v1, x\r\n");
    let head = check(&get, &offers, 101).await;
    assert_eq!(
        wire::header(&head, "sec-websocket-protocol"),
        Some("atelier.v1")
    );
    let deflate = format!("{HANDSHAKE}sec-websocket-extensions: permessage-deflate\r\n");
    let head = check(&get, &deflate, 101).await;
    assert_eq!(wire::header(&head, "sec-websocket-extensions"), None);
}

/// An opening that never becomes a whole one does not hold anything but its connection.
#[tokio::test]
async fn half_an_opening() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |config| {
        config.front_door.head_timeout = std::time::Duration::from_millis(50);
    })
    .await;
    let mut half = Wire::connect(stack.door()).await;
    half.write(&format!("GET {} HTTP/1.1\r\n{HANDSHAKE}", socket_path()))
        .await;
    assert_eq!(half.read_to_end().await, "");
    assert_eq!(edge.asked(), []);
}

/// A frame of a client, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// The close code that answers `bytes`, or nothing where the socket goes on.
async fn said(stack: &Stack, bytes: Vec<u8>) -> Option<u16> {
    use tokio::io::AsyncWriteExt as _;
    let line = format!("GET {} HTTP/1.1", socket_path());
    let (mut wire, head) = opening(stack, &line, HANDSHAKE).await;
    assert_eq!(wire::status(&head), 101);
    // It may be closed before all was written.
    let _ = wire.stream.write_all(&bytes).await;
    // A ping at the end: its answer shows that the socket goes on.
    let _ = wire.stream.write_all(&frame(0x89, b"end")).await;
    loop {
        let reading = wire.read_exactly(2);
        let head = tokio::time::timeout(LONG, reading)
            .await
            .expect("an answer");
        let payload = wire.read_exactly(usize::from(head[1])).await;
        match head[0] {
            0x88 => return Some(u16::from_be_bytes([payload[0], payload[1]])),
            0x8a if payload == b"end" => return None,
            _ => {}
        }
    }
}

#[tokio::test]
async fn frames() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |name: &str, bytes: Vec<u8>, code: Option<u16>| {
        assert_eq!(said(&stack, bytes).await, code, "{name}");
    };
    let text = |length: usize| frame(0x81, "x".repeat(length).as_bytes());
    check("nothing", Vec::new(), None).await;
    check(
        "a heartbeat",
        frame(0x81, b"{\"type\":\"heartbeat\"}"),
        None,
    )
    .await;
    check("any text", frame(0x81, b"no JSON"), None).await;
    check("a ping", frame(0x89, b"?"), None).await;
    check("an unasked pong", frame(0x8a, b"!"), None).await;
    check("as large as allowed", text(65_536), None).await;
    check("too large", text(65_537), Some(1009)).await;
    let mut giant = vec![0x81, 0xff];
    giant.extend(u64::MAX.to_be_bytes());
    giant.extend([0; 4]);
    check("a giant that is only announced", giant, Some(1009)).await;
    let fragments = |count: usize, size: usize| -> Vec<u8> {
        let piece = vec![b'x'; size];
        let middle = (0..count).flat_map(|_| frame(0x00, &piece));
        let begin = frame(0x01, &piece);
        begin
            .into_iter()
            .chain(middle)
            .chain(frame(0x80, &piece))
            .collect()
    };
    check("fragments", fragments(3, 10), None).await;
    check(
        "fragments of something too large",
        fragments(80, 1000),
        Some(1009),
    )
    .await;
    let mut between = frame(0x01, b"a");
    between.extend(frame(0x89, b"?"));
    between.extend(frame(0x80, b"b"));
    check("a ping between fragments", between, None).await;
    check("a continuation of nothing", frame(0x80, b"x"), Some(1002)).await;
    check("the compressed bit", frame(0xc1, b"x"), Some(1002)).await;
    check("a reserved kind", frame(0x83, b"x"), Some(1002)).await;
    check("a fragmented ping", frame(0x09, b"x"), Some(1002)).await;
    check("a long ping", frame(0x89, &[0; 126]), Some(1002)).await;
    check("no mask", vec![0x81, 0x01, b'x'], Some(1002)).await;
    check("no UTF-8", frame(0x81, &[0xff, 0xfe]), Some(1007)).await;
    check("bytes", frame(0x82, b"x"), Some(1003)).await;
    let flood = frame(0x81, b"x").repeat(1000);
    check("a flood", flood, Some(1008)).await;
    let pings = frame(0x89, b"x").repeat(1000);
    check("a flood of pings", pings, Some(1008)).await;
}

/// What one client does is nothing to the others.
#[tokio::test]
async fn the_others_go_on() {
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let mut other = enter(stack.door(), None).await;
    assert_eq!(said(&stack, frame(0xc1, b"x")).await, Some(1002));
    publish(stack.admin(), 0, 1).await;
    assert_eq!(next(&mut other).await["status"], "0");
}

#[tokio::test]
async fn publications() {
    use crate::client::{ask, post};
    use serde_json::json;
    let edge = RoomEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let check = async |body: serde_json::Value, status: u16| {
        let answer = post(stack.admin(), &body).await;
        assert_eq!(answer.status(), status, "{:.60}", body.to_string());
    };
    let one = json!({ "type": "status", "status": "x" });
    check(json!({ "events": [] }), 200).await;
    check(json!({ "events": vec![one.clone(); 256] }), 200).await;
    check(json!({ "events": vec![one; 257] }), 422).await;
    check(json!({ "events": [{ "type": "nonsense" }] }), 422).await;
    let sized = |size: usize| json!({ "type": "status", "status": "x".repeat(size) });
    check(json!({ "events": [sized(250_000)] }), 200).await;
    check(json!({ "events": [sized(2_200_000)] }), 413).await;
    check(json!({ "events": vec![sized(250_000); 20] }), 413).await;
    check(json!({ "events": [sized(5_000_000)] }), 413).await;
    for (line, status) in [
        ("GET /v1/rooms/x", 400),
        ("DELETE /v1/rooms/x", 400),
        ("GET /v1/rooms/../../etc", 404),
    ] {
        let answer = ask(stack.admin(), line, "").await;
        assert_eq!(answer.status(), status, "{line}");
    }
}
