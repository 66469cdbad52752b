//! A client, a socket and prompts, as whoever uses a server has them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, each of which uses a part"
)]

use comfyui::{Client, Event, Frame, Progress, Prompt, Submission, Timeouts};
use comfyui_stub::Stub;
use futures::{SinkExt, StreamExt};
use platform_native::{HyperHttp, SystemClock};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(30);

pub const PROMPT_ID: &str = "0190a5f2-0000-7000-8000-000000000001";

pub fn client(stub: &Stub) -> Client {
    client_at(&stub.url(), Timeouts::default())
}

pub fn client_at(url: &str, timeouts: Timeouts) -> Client {
    let http = Arc::new(HyperHttp::new().unwrap());
    Client::new(http, Arc::new(SystemClock), url.parse().unwrap(), timeouts)
}

pub fn prompt(value: &Value) -> Prompt {
    Prompt::new(value.as_object().unwrap().clone())
}

pub fn submission<'a>(prompt: &'a Prompt, client_id: &'a str) -> Submission<'a> {
    Submission {
        prompt,
        client_id,
        prompt_id: Some(PROMPT_ID),
        workflow: None,
        front: false,
    }
}

/// A socket whose frames are parsed.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens the socket, and waits for its first frame: from then on the server knows it.
    pub async fn open(client: &Client, client_id: &str) -> Self {
        let url = client.base_url().socket(client_id);
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut socket = Self(socket);
        let first = socket.next().await.unwrap();
        assert!(
            matches!(first, Frame::Status { sid: Some(_), .. }),
            "{first:?}"
        );
        socket
    }

    pub async fn send(&mut self, json: &Value) {
        self.0.send(Message::text(json.to_string())).await.unwrap();
    }

    /// The next frame; `None` when the socket is gone.
    pub async fn next(&mut self) -> Option<Frame> {
        let message = timeout(LONG, self.0.next()).await.unwrap();
        match message?.ok()? {
            Message::Text(text) => Some(Frame::parse_text(&text).unwrap()),
            Message::Binary(bytes) => Some(Frame::parse_binary(bytes).unwrap()),
            Message::Close(_) => None,
            other => panic!("{other:?}"),
        }
    }
}

/// Follows a prompt to its end by its frames; asks the server only once it has ended.
pub async fn follow_frames(client: &Client, mut socket: Socket) -> Vec<Event> {
    let mut progress = Progress::new(PROMPT_ID);
    let mut events = Vec::new();
    while !progress.has_ended() {
        let frame = socket.next().await.unwrap();
        events.extend(progress.frame(&frame));
        let is_last = matches!(frame, Frame::Executing { node: None, .. });
        if is_last && progress.wants_look() {
            let queue = client.queue().await.unwrap();
            let history = client.history(PROMPT_ID).await.unwrap();
            events.extend(progress.looked(&queue, history.as_ref()));
        }
    }
    events
}

/// Follows a prompt to its end, as the runner does: frames, look-ups when they are wanted, and a
/// new socket when one breaks.
pub async fn follow(client: &Client, client_id: &str, mut socket: Socket) -> Vec<Event> {
    let mut progress = Progress::new(PROMPT_ID);
    let mut events = Vec::new();
    while !progress.has_ended() {
        if progress.wants_look() {
            let queue = client.queue().await.unwrap();
            let history = client.history(PROMPT_ID).await.unwrap();
            events.extend(progress.looked(&queue, history.as_ref()));
            continue;
        }
        match socket.next().await {
            Some(frame) => events.extend(progress.frame(&frame)),
            None => {
                socket = Socket::open(client, client_id).await;
                progress.missed_frames();
            }
        }
    }
    events
}
