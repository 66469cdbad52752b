//! Previews over real sockets; the sandbox's server is one of the test's own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "tests"
)]

use super::{Previews, Published, Relay, Settings, Target, Visitor};
use crate::{
    drain::Drain,
    listener::{self, Limits},
    token::Token,
};
use futures::future::BoxFuture;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use uuid::Uuid;

const SESSION: Uuid = Uuid::from_u128(0x5e55_1041);
const TARGET: Target = Target {
    session: SESSION,
    port: 3000,
};

/// A sandbox whose port 3000 is a server of the test.
#[derive(Debug)]
struct Sandbox(SocketAddr);

impl Relay for Sandbox {
    fn connect(&self, session: Uuid, port: u16) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(async move {
            match (session == SESSION, port) {
                (false, _) => Err(io::ErrorKind::NotFound.into()),
                (true, 3000) => TcpStream::connect(self.0).await,
                (true, _) => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}

struct Given {
    door: SocketAddr,
    previews: Arc<Previews>,
    /// The heads of the requests that reached the sandbox.
    seen: mpsc::UnboundedReceiver<String>,
    drain: Drain,
}

/// Previews of a server that gives `answer` to everything and then echoes.
async fn given(answer: &'static str) -> Given {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let (saw, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = server.accept().await.unwrap();
            let saw = saw.clone();
            tokio::spawn(async move {
                saw.send(head(&mut stream).await).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let drain = Drain::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = listener.local_addr().unwrap();
    let token = Token::parse("0123456789abcdef").unwrap();
    let previews = Arc::new(Previews::new(
        &Settings::default(),
        door.port(),
        &token,
        Arc::new(Sandbox(address)),
        drain.clone(),
    ));
    let limits = Limits {
        connections: 16,
        per_address: 0,
        proxies: Vec::new(),
        head: Duration::from_secs(15),
        unread: Duration::from_secs(180),
    };
    let visitor = Visitor(previews.clone());
    drain.spawn(listener::serve(
        listener,
        limits,
        drain.clone(),
        move |_, _| visitor.clone(),
    ));
    Given {
        door,
        previews,
        seen,
        drain,
    }
}

/// Reads up to the end of a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(read).unwrap()
}

impl Given {
    fn host(&self) -> String {
        format!("{}.localhost:{}", TARGET.label(), self.door.port())
    }

    async fn send(&self, target: &str, host: &str, headers: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(self.door).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        (stream, answer)
    }

    /// Comes in by an address and returns the cookie.
    async fn enter(&self) -> String {
        let address = self.previews.address(&TARGET);
        let (_, rest) = address.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let (_, answer) = self.send(&format!("/{path}"), host, "").await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let cookie = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "));
        cookie.unwrap().split(';').next().unwrap().to_owned()
    }
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nset-cookie: own=1\r\n\
    set-cookie: wide=1; Domain=localhost\r\nset-cookie: access_token=planted\r\n\
    location: http://localhost:3000/next\r\n\r\nfine";

#[tokio::test]
async fn only_those_with_a_pass_come_in() {
    let mut given = given(FINE).await;
    let host = given.host();
    let check = |answer: &str, status: &str| assert!(answer.contains(status), "{answer}");
    check(&given.send("/", &host, "").await.1, " 403 ");
    check(&given.send("/", "localhost", "").await.1, " 404 ");
    let stay = given.enter().await;
    let with = format!("cookie: {stay}\r\n");
    let other_port = host.replacen("3000", "5173", 1);
    check(&given.send("/", &other_port, &with).await.1, " 403 ");
    let port_not_shown = host.replacen("3000", "22", 1);
    check(&given.send("/", &port_not_shown, &with).await.1, " 404 ");
    let forged = format!("cookie: {stay}x\r\n");
    check(&given.send("/", &host, &forged).await.1, " 403 ");
    assert!(given.seen.try_recv().is_err());
    check(&given.send("/", &host, &with).await.1, " 200 ");
    assert!(given.seen.recv().await.is_some());
    assert!(given.drain.finish(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn what_is_the_platforms_stays_out() {
    // {"sid":"1","aud":"workspace"}
    let access = "x.eyJzaWQiOiIxIiwiYXVkIjoid29ya3NwYWNlIn0.y";
    let mut given = given(FINE).await;
    let host = given.host();
    let stay = given.enter().await;
    let check = |seen: &str, absent: &[&str], present: &[&str]| {
        for text in absent {
            assert!(!seen.contains(text), "{text} in {seen}");
        }
        for text in present {
            assert!(seen.contains(text), "no {text} in {seen}");
        }
    };
    let origin = format!("http://{host}");
    let sent = format!(
        "cookie: theme=dark; {stay}; access_token=secret\r\nauthorization: Bearer {access}\r\n\
         origin: {origin}\r\n"
    );
    let (_, answer) = given.send("/page?x=1", &host, &sent).await;
    check(
        &given.seen.recv().await.unwrap(),
        &["atelier_preview", "secret", "authorization"],
        &[
            "GET /page?x=1 HTTP/1.1",
            "cookie: theme=dark\r\n",
            "host: localhost:3000\r\n",
            "origin: http://localhost:3000\r\n",
            &format!("x-forwarded-host: {host}"),
        ],
    );
    check(
        &answer,
        &["wide", "planted"],
        &["set-cookie: own=1", &format!("location: {origin}/next")],
    );
    for (sent, kept) in [
        ("Bearer atl_key", false),
        ("bearer  atl_key", false),
        ("Bearer the-pages-own", true),
        ("Basic dTpw", true),
        ("Bearer a.b.c", true),
    ] {
        let headers = format!("cookie: {stay}\r\nauthorization: {sent}\r\n");
        given.send("/", &host, &headers).await;
        let seen = given.seen.recv().await.unwrap();
        assert_eq!(seen.contains("authorization"), kept, "{sent}");
    }
}

#[tokio::test]
async fn web_sockets_pass() {
    let mut given = given(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    )
    .await;
    let stay = given.enter().await;
    let host = given.host();
    let headers = format!("cookie: {stay}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n");
    let (mut stream, answer) = given.send("/live", &host, &headers).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let seen = given.seen.recv().await.unwrap();
    assert!(seen.contains("upgrade: websocket"), "{seen}");
    stream.write_all(b"back and forth").await.unwrap();
    let mut echoed = [0; 14];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"back and forth");
    assert!(given.drain.finish(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn faults_are_told() {
    let given = given("no HTTP at all\r\n\r\n").await;
    let stay = format!("cookie: {}\r\n", given.enter().await);
    let (_, answer) = given.send("/", &given.host(), &stay).await;
    assert!(
        answer.contains(" 502 ") && answer.contains("problem+json"),
        "{answer}"
    );
    let elsewhere = Target {
        port: 8080,
        ..TARGET
    };
    let address = given.previews.address(&elsewhere);
    let host = given.host().replacen("3000", "8080", 1);
    let path = address.rsplit('/').next().unwrap();
    let (_, answer) = given.send(&format!("/{path}"), &host, "").await;
    let cookie = answer.split("set-cookie: ").nth(1).unwrap();
    let stay = format!(
        "cookie: {}\r\naccept: text/html\r\n",
        cookie.split(';').next().unwrap()
    );
    let (mut stream, answer) = given.send("/", &host, &stay).await;
    assert!(
        answer.contains(" 502 ") && answer.contains("text/html"),
        "{answer}"
    );
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut body = String::new();
    stream.read_to_string(&mut body).await.unwrap();
    assert!(body.contains("Nothing listens at this port"), "{body}");
}

#[tokio::test]
async fn published_ports_lead_into_the_sandbox() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Arc::new(Sandbox(server.local_addr().unwrap()));
    let drain = Drain::default();
    let published = Published::new(relay, drain.clone());
    let port = published.open(SESSION, 3000).unwrap();
    assert_eq!(published.open(SESSION, 3000).unwrap(), port);
    let mut visitor = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut inside, _) = server.accept().await.unwrap();
    inside.write_all(b"hello").await.unwrap();
    let mut read = [0; 5];
    visitor.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"hello");
    let empty = published.open(SESSION, 8080).unwrap();
    let mut visitor = TcpStream::connect(("127.0.0.1", empty)).await.unwrap();
    assert_eq!(visitor.read(&mut read).await.unwrap(), 0);
    published.close(SESSION);
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    drop(inside);
    assert!(drain.finish(Duration::from_secs(5)).await);
}
