//! Sockets of ComfyUI services, listened to for the edge.

use crate::{
    client::{LONG, ask},
    stack::{self, Stack, TOKEN},
    wire::{self, Wire},
};
use comfyui_stub::{Canned, Stub};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

const PROMPT: &str = "0190a5f2-0000-7000-8000-000000000001";

/// A runner that may listen to `service`.
async fn beside(service: SocketAddr) -> Stack {
    let allowed = service.to_string();
    Stack::start(stack::nowhere().await, |config| {
        config.comfy.allowed = allowed;
        config.comfy.opening = Duration::from_secs(2);
    })
    .await
}

fn socket_of(service: SocketAddr) -> String {
    format!("ws://{service}/ws?clientId=atelier-1")
}

fn request(url: &str) -> String {
    let body = json!({ "url": url }).to_string();
    format!(
        "POST /v1/comfy/follow HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn refused(stack: &Stack, url: &str) -> u16 {
    let request = request(url);
    let answering = wire::ask(stack.admin(), &request);
    let answer = tokio::time::timeout(LONG, answering).await.expect(url);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("127.0.0.1"), "it tells of addresses: {text}");
    answer.status()
}

/// A socket that is being listened to.
struct Listened(Wire);

impl Listened {
    async fn open(stack: &Stack, url: &str) -> Self {
        let mut wire = Wire::connect(stack.admin()).await;
        wire.write(&request(url)).await;
        let head = tokio::time::timeout(LONG, wire.read_until("\r\n\r\n"));
        let head = head.await.unwrap();
        assert_eq!(wire::status(&head), 200, "{head}");
        Self(wire)
    }

    /// The next line; the sizes that HTTP puts between are passed over.
    async fn next(&mut self) -> Value {
        loop {
            let line = tokio::time::timeout(LONG, self.0.read_until("\n"));
            let line = line.await.unwrap();
            if line.starts_with('{') {
                return serde_json::from_str(&line).unwrap();
            }
            assert!(!line.is_empty(), "the lines end without an end");
        }
    }

    /// The next frame of that type.
    async fn frame(&mut self, kind: &str) -> Value {
        loop {
            let line = self.next().await;
            let text = line["frame"].as_str().unwrap_or_else(|| panic!("{line}"));
            let frame: Value = serde_json::from_str(text).unwrap();
            if frame["type"] == kind {
                return frame;
            }
        }
    }
}

/// Hands a small prompt to the service.
async fn submit(service: SocketAddr) {
    let body = json!({"client_id": "atelier-1", "prompt_id": PROMPT, "prompt": {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }})
    .to_string();
    let request = format!(
        "POST /prompt HTTP/1.1\r\nhost: {service}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = wire::ask(service, &request).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.json());
}

#[tokio::test]
async fn frames_come_as_the_service_says_them() {
    let stub = Stub::start().await.unwrap();
    let stack = beside(stub.address()).await;
    let mut listened = Listened::open(&stack, &socket_of(stub.address())).await;
    let first = listened.frame("status").await;
    assert_eq!(first["data"]["sid"], "atelier-1");
    submit(stub.address()).await;
    for kind in [
        "execution_start",
        "executing",
        "executed",
        "execution_success",
    ] {
        let frame = listened.frame(kind).await;
        assert_eq!(frame["data"]["prompt_id"], PROMPT, "{frame}");
    }
    stub.drop_sockets();
    loop {
        let line = listened.next().await;
        if line["frame"].is_null() {
            assert!(line["end"].is_string(), "{line}");
            break;
        }
    }
}

/// Whoever stops reading frees the socket at the service.
#[tokio::test]
async fn nobody_who_leaves_keeps_a_socket() {
    let stub = Stub::start().await.unwrap();
    let stack = beside(stub.address()).await;
    let mut listened = Listened::open(&stack, &socket_of(stub.address())).await;
    listened.frame("status").await;
    assert_eq!(stub.clients(), ["atelier-1"]);
    drop(listened);
    let gone = async {
        while !stub.clients().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone)
        .await
        .expect("it is closed");
}

#[tokio::test]
async fn silence_is_told_and_is_not_for_ever() {
    // Takes the connection, opens the socket and says nothing, not even that it is there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = listener.local_addr().unwrap();
    let opened = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    });
    let stack = Stack::start(stack::nowhere().await, |config| {
        config.comfy.allowed = service.to_string();
        config.comfy.beat = Duration::from_millis(20);
        config.comfy.silence = Duration::from_millis(100);
    })
    .await;
    let mut listened = Listened::open(&stack, &socket_of(service)).await;
    let _open = opened.await.unwrap();
    assert_eq!(listened.next().await, json!({"beat": true}));
    loop {
        let line = listened.next().await;
        if line["beat"].is_null() {
            let end = line["end"].as_str().unwrap();
            assert!(end.contains("sign of life"), "{end}");
            break;
        }
    }
}

/// Nothing is connected to that the operator did not name, however it is written.
#[tokio::test]
async fn private_addresses_get_no_connection() {
    let stub = Stub::start().await.unwrap();
    let port = stub.address().port();
    let stack = Stack::start(stack::nowhere().await, |_| {}).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
    ] {
        let status = refused(&stack, &format!("ws://{host}:{port}/ws?clientId=x")).await;
        // What no resolver takes for a name is not connected to either.
        assert!(matches!(status, 403 | 422 | 502), "{host}: {status}");
    }
    for url in [
        format!("ws://example.org@127.0.0.1:{port}/ws"),
        format!("http://127.0.0.1:{port}/ws"),
        format!("file:///etc/passwd?{port}"),
        "ws://".to_owned(),
        "//127.0.0.1".to_owned(),
        String::new(),
    ] {
        assert_eq!(refused(&stack, &url).await, 422, "{url}");
    }
    assert_eq!(stub.requests(), Vec::<String>::new());
}

/// A service that is allowed sends to one that is not.
#[tokio::test]
async fn redirects_are_not_followed() {
    let (stub, canary) = (Stub::start().await.unwrap(), Stub::start().await.unwrap());
    let stack = beside(stub.address()).await;
    stub.answer("/ws", Canned::Redirect(format!("{}/ws", canary.url())));
    assert_eq!(refused(&stack, &socket_of(stub.address())).await, 502);
    assert_eq!(canary.requests(), Vec::<String>::new());
    stub.answer("/ws", Canned::Silence);
    assert_eq!(refused(&stack, &socket_of(stub.address())).await, 504);
    stub.kill();
    assert_eq!(refused(&stack, &socket_of(canary.address())).await, 403);
}

#[tokio::test]
async fn it_is_for_the_edge_alone() {
    let stub = Stub::start().await.unwrap();
    let stack = beside(stub.address()).await;
    let body = json!({ "url": socket_of(stub.address()) }).to_string();
    let request = format!(
        "POST /v1/comfy/follow HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(wire::ask(stack.admin(), &request).await.status(), 401);
    assert_eq!(stub.requests(), Vec::<String>::new());
    let answer = ask(stack.admin(), "POST /v1/comfy/follow", "{}").await;
    assert_eq!(answer.status(), 422);
}
