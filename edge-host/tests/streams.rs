//! Bodies stream both ways, and what happens when a side leaves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use http::Request;
use http_body_util::BodyExt;
use std::{collections::BTreeMap, time::Duration};
use support::{TestHost, exchange, streamed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn each_piece_passes_at_once_in_both_directions() {
    let host = TestHost::start().await;
    let (pieces, body) = streamed();
    let request = Request::post("/echo").body(body).unwrap();
    let address = host.address();
    let exchange = tokio::spawn(exchange(address, request));
    pieces.unbounded_send("first").unwrap();
    let mut response = exchange.await.unwrap();
    assert_eq!(response.status(), 200);
    for piece in ["first", "second", "third"] {
        if piece != "first" {
            pieces.unbounded_send(piece).unwrap();
        }
        let mut got = Vec::new();
        while got.len() < piece.len() {
            let frame = response.body_mut().frame().await.unwrap().unwrap();
            got.extend_from_slice(frame.data_ref().unwrap());
        }
        assert_eq!(got, piece.as_bytes());
    }
    drop(pieces);
    assert!(response.body_mut().frame().await.is_none());
}

/// What is wrong with a body is its component's to say, also where the host waited for it.
#[tokio::test]
async fn a_small_body_that_breaks_off_does_so_for_the_guest() {
    let host = TestHost::start().await;
    let mut socket = TcpStream::connect(host.address()).await.unwrap();
    let half = b"POST /length HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nhalf";
    socket.write_all(half).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// An instance has its share of streams for as long as they are open, not only until their heads
/// are there.
#[tokio::test]
async fn streams_that_one_instance_has_no_room_for_are_anothers() {
    let host = TestHost::start().await;
    let mut open = Vec::new();
    let mut of_instances: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..17 {
        let (pieces, body) = streamed();
        pieces.unbounded_send("open").unwrap();
        let request = Request::post("/stream").body(body).unwrap();
        let response = exchange(host.address(), request).await;
        let instance = response.headers()["x-instance"].to_str().unwrap();
        *of_instances.entry(instance.to_owned()).or_default() += 1;
        open.push((pieces, response));
    }
    let most = of_instances.values().max().copied();
    assert!(
        of_instances.len() > 1 && most <= Some(16),
        "{of_instances:?}"
    );
    for (pieces, response) in open {
        drop(pieces);
        assert_eq!(response.collect().await.unwrap().to_bytes(), "open");
    }
    // Who was full takes requests again.
    for _ in 0..17 {
        assert_eq!(host.get("/hello").await.body, "hello");
    }
}

#[tokio::test]
async fn a_response_from_elsewhere_passes_at_once() {
    let manifest = support::MANIFEST.replace("default = \"\"", "default = \"127.0.0.1:*\"");
    let host = TestHost::with(&manifest, |_| {}).await;
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", upstream.local_addr().unwrap());
    let request = Request::post("/fetch")
        .body(http_body_util::Full::from(url).boxed())
        .unwrap();
    let answer = tokio::spawn(exchange(host.address(), request));
    let (mut socket, _) = upstream.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    socket
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    socket.write_all(b"3\r\none\r\n").await.unwrap();
    let mut response = answer.await.unwrap();
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.data_ref().unwrap(), "one");
    socket.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    let rest = response.collect().await.unwrap().to_bytes();
    assert_eq!(rest, "two");
}

#[tokio::test]
async fn a_task_goes_on_when_the_reader_leaves() {
    let host = TestHost::start().await;
    let request = Request::get("/outlive/left")
        .body(Default::default())
        .unwrap();
    let mut response = exchange(host.address(), request).await;
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert!(frame.data_ref().unwrap().starts_with(b"piece"));
    drop(response);
    let outlived = async {
        while host.get("/value/left").await.body == "None" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), outlived)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_shutdown_lets_responses_and_tasks_end() {
    let host = TestHost::start().await;
    let (pieces, body) = streamed();
    let request = Request::post("/echo").body(body).unwrap();
    let exchange = tokio::spawn(exchange(host.address(), request));
    pieces.unbounded_send("first").unwrap();
    let response = exchange.await.unwrap();
    let address = host.address();
    let TestHost {
        host,
        folder: _folder,
    } = host;
    let stopping = tokio::spawn(host.shutdown());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    pieces.unbounded_send(" second").unwrap();
    drop(pieces);
    let body = response.collect().await.unwrap().to_bytes();
    assert_eq!(body, "first second");
    stopping.await.unwrap();
}
