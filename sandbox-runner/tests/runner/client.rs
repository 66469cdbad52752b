//! Clients of rooms: one that speaks WebSocket properly, one that reads server-sent events.

use crate::{
    room_edge::SESSION,
    stack::{Stack, TOKEN},
    wire::{self, Wire},
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) type Socket = WebSocketStream<TcpStream>;

pub(crate) fn socket_path() -> String {
    format!("/api/ws/sessions/{SESSION}")
}

pub(crate) fn stream_path() -> String {
    format!("/api/v1/sessions/{SESSION}/events")
}

/// Opens a socket at `target` with these headers.
pub(crate) async fn open(
    door: SocketAddr,
    target: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://{door}{target}")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(door).await.unwrap();
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

/// Enters the room as user 1, after an event if one is named.
pub(crate) async fn enter(door: SocketAddr, after: Option<&str>) -> Socket {
    enter_as(door, 1, after).await
}

pub(crate) async fn enter_as(door: SocketAddr, user: i64, after: Option<&str>) -> Socket {
    let mut target = socket_path();
    if let Some(after) = after {
        target = format!("{target}?last_event_id={after}");
    }
    let bearer = format!("Bearer user-{user}");
    open(door, &target, &[("authorization", &bearer)])
        .await
        .unwrap()
}

/// The status with which a socket was refused.
pub(crate) fn refused(opened: Result<Socket, tungstenite::Error>) -> u16 {
    match opened {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

/// The next frame of an event. Pings are answered on the way.
pub(crate) async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(LONG, socket.next())
            .await
            .expect("a frame");
        match message.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The code with which the socket is closed; what comes before is passed over.
pub(crate) async fn closed(socket: &mut Socket) -> u16 {
    loop {
        let message = tokio::time::timeout(LONG, socket.next())
            .await
            .expect("an end");
        match message {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("no goodbye but {other:?}"),
        }
    }
}

/// Publishes `count` statuses named by their number, from `first` on; the ids.
pub(crate) async fn publish(admin: SocketAddr, first: u64, count: u64) -> Vec<String> {
    let one = |number: u64| json!({ "type": "status", "status": number.to_string() });
    let events: Vec<Value> = (first..first + count).map(one).collect();
    let answer = post(admin, &json!({ "events": events })).await;
    assert_eq!(
        answer.status(),
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let ids = answer.json();
    let ids = ids["ids"].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn post(admin: SocketAddr, body: &Value) -> wire::Answer {
    let line = format!("POST /v1/rooms/{SESSION}/events");
    ask(admin, &line, &body.to_string()).await
}

/// Asks the runner's own interface.
pub(crate) async fn ask(admin: SocketAddr, line: &str, body: &str) -> wire::Answer {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    wire::ask(admin, &request).await
}

/// Waits until so many readers are in the room.
pub(crate) async fn until_there_are(stack: &Stack, connections: u64) {
    let waiting = async {
        loop {
            let answer = ask(stack.admin(), &format!("GET /v1/rooms/{SESSION}"), "").await;
            if answer.json()["connections"] == connections {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("readers");
}

/// A reader of server-sent events.
pub(crate) struct Stream {
    pub(crate) wire: Wire,
    pub(crate) head: String,
}

impl Stream {
    pub(crate) async fn open(door: SocketAddr, target: &str, headers: &str) -> Self {
        let mut wire = Wire::connect(door).await;
        let request = format!("GET {target} HTTP/1.1\r\nhost: {door}\r\n{headers}\r\n");
        wire.write(&request).await;
        let head = wire.read_until("\r\n\r\n").await;
        Self { wire, head }
    }

    /// The next event: its lines without what HTTP put around them.
    pub(crate) async fn next(&mut self) -> Vec<String> {
        let reading = self.wire.read_until("\n\n");
        let text = tokio::time::timeout(LONG, reading).await.expect("an event");
        let lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let chunk = |line: &str| u32::from_str_radix(line, 16).is_ok();
        let lines = lines.filter(|line| !line.is_empty() && !chunk(line));
        lines.map(str::to_owned).collect()
    }

    /// The value of a field of the next event that has it.
    pub(crate) async fn field(&mut self, name: &str) -> String {
        loop {
            let prefix = format!("{name}: ");
            let event = self.next().await;
            assert!(!event.is_empty(), "the stream ended");
            if let Some(value) = event.iter().find_map(|line| line.strip_prefix(&prefix)) {
                return value.to_owned();
            }
        }
    }
}
