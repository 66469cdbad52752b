//! The HTTP client against real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use bytes::Bytes;
use futures::StreamExt;
use platform_native::HyperHttp;
use ports::{ConnectTimeout, Http, HttpError};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// Accepts one connection, reads the head and writes the pieces as they are sent.
async fn server() -> (SocketAddr, mpsc::Sender<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (pieces, mut queue) = mpsc::channel::<&str>(8);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_head(&mut socket).await;
        while let Some(piece) = queue.recv().await {
            socket.write_all(piece.as_bytes()).await.unwrap();
        }
    });
    (address, pieces)
}

async fn read_head(socket: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
}

fn get(address: SocketAddr) -> http::Request<Bytes> {
    let uri = format!("http://{address}/");
    http::Request::get(uri).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_body_arrives_piece_by_piece() {
    let (address, pieces) = server().await;
    pieces
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let client = HyperHttp::new().unwrap();
    let mut body = client.send(get(address)).await.unwrap().into_body();
    for piece in ["one", "two"] {
        let chunk = if piece == "one" {
            "3\r\none\r\n"
        } else {
            "3\r\ntwo\r\n"
        };
        pieces.send(chunk).await.unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), piece);
    }
    drop(pieces);
    assert!(matches!(body.next().await, Some(Err(HttpError::Broken(_)))));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (address, pieces) = server().await;
    let head = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    pieces.send(head).await.unwrap();
    let client = HyperHttp::new().unwrap();
    assert_eq!(client.send(get(address)).await.unwrap().status(), 302);
}

#[tokio::test]
async fn faults_have_their_own_errors() {
    let client = HyperHttp::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let error = client.send(get(closed)).await.err();
    assert!(
        matches!(error, Some(HttpError::Unreachable(_))),
        "{error:?}"
    );

    // It accepts the connection and never answers the TLS handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://{}/", listener.local_addr().unwrap());
    let mut request = http::Request::get(uri).body(Bytes::new()).unwrap();
    request
        .extensions_mut()
        .insert(ConnectTimeout(Duration::from_millis(20)));
    let error = client.send(request).await.err();
    assert_eq!(error, Some(HttpError::ConnectTimeout));

    let (address, pieces) = server().await;
    drop(pieces);
    let error = client.send(get(address)).await.err();
    assert!(matches!(error, Some(HttpError::Broken(_))), "{error:?}");
}
