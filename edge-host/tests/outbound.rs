//! Where a guest's requests may go.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use edge_host::Policy;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::TestHost;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn policy(allowed: &[&str], variables: &[(&str, &str)]) -> Policy {
    let allowed: Vec<_> = allowed.iter().map(|text| (*text).to_owned()).collect();
    let variables: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Policy::new("c", &allowed, &variables).unwrap()
}

#[test]
fn grants_name_schemes_hosts_and_ports() {
    let cases = [
        ("http://a.org", "http", "a.org", 80, true),
        ("http://a.org", "http", "A.ORG.", 80, true),
        ("http://a.org", "http", "a.org", 81, false),
        ("http://a.org", "https", "a.org", 80, false),
        ("https://a.org/", "https", "a.org", 443, true),
        ("http://a.org:*", "http", "a.org", 9, true),
        ("http://a.org:*", "http", "b.a.org", 9, false),
        ("*://a.org:443", "https", "a.org", 443, true),
        ("https://*:*", "https", "any", 1, true),
        ("https://*:*", "http", "any", 1, false),
        ("https://*.a.org:443", "https", "b.a.org", 443, true),
        ("https://*.a.org:443", "https", "c.b.a.org", 443, true),
        ("https://*.a.org:443", "https", "a.org", 443, false),
        ("https://*.a.org:443", "https", "evila.org", 443, false),
        ("https://*.a.org:443", "https", "xa.org", 443, false),
        ("http://127.0.0.1:8788", "http", "127.0.0.1", 8788, true),
        ("http://[::1]:80", "http", "[::1]", 80, true),
    ];
    for (grant, scheme, host, port, allowed) in cases {
        let permits = policy(&[grant], &[]).permits(scheme, host, port);
        assert_eq!(permits, allowed, "{grant} {scheme}://{host}:{port}");
    }
    assert!(!policy(&[], &[]).permits("http", "a.org", 80));
}

#[test]
fn malformed_patterns_are_refused() {
    for pattern in [
        "a.org",
        "http://",
        "http://a.org/path",
        "http://a:b",
        "ftp://a.org",
        "http://x*:1",
    ] {
        let allowed = [pattern.to_owned()];
        assert!(
            Policy::new("c", &allowed, &BTreeMap::new()).is_err(),
            "{pattern}"
        );
    }
    for pattern in ["a.org", "*:*", "http://a.org:80", "a b:1", "u@a.org:1"] {
        let variables = BTreeMap::from([("outbound_allow".to_owned(), pattern.to_owned())]);
        assert!(Policy::new("c", &[], &variables).is_err(), "{pattern}");
    }
}

#[test]
fn private_addresses_need_a_name_in_the_manifest_or_the_operators_word() {
    let wide: &[&str] = &["http://*:*", "https://*:*"];
    let check =
        |grants: &[&str], variables: &[(&str, &str)], host: &str, address: &str, port, allowed| {
            let address: IpAddr = address.parse().unwrap();
            let permits = policy(grants, variables).permits_address(host, address, port);
            assert_eq!(
                permits, allowed,
                "{grants:?} {variables:?} {host} {address} {port}"
            );
        };
    check(wide, &[], "a.org", "1.1.1.1", 80, true);
    check(wide, &[], "a.org", "10.0.0.1", 80, false);
    check(wide, &[], "127.1", "127.0.0.1", 80, false);
    check(wide, &[], "2130706433", "127.0.0.1", 80, false);
    check(
        wide,
        &[],
        "[::ffff:127.0.0.1]",
        "::ffff:127.0.0.1",
        80,
        false,
    );
    check(wide, &[], "localhost.", "::1", 80, false);
    check(wide, &[], "metadata", "169.254.169.254", 80, false);

    let runner: &[&str] = &["http://127.0.0.1:8788", "http://*:*"];
    check(runner, &[], "127.0.0.1", "127.0.0.1", 8788, true);
    check(runner, &[], "127.0.0.1", "127.0.0.1", 8789, false);
    check(
        &["http://db.local:*"],
        &[],
        "db.local",
        "10.0.0.1",
        80,
        false,
    );
    check(
        &["http://*.local:80"],
        &[],
        "db.local",
        "10.0.0.1",
        80,
        false,
    );

    let opened = [("outbound_allow", "127.0.0.1:8188, *.lan:*,comfy:80")];
    check(wide, &opened, "127.0.0.1", "127.0.0.1", 8188, true);
    check(wide, &opened, "localhost", "127.0.0.1", 8188, true);
    check(wide, &opened, "127.0.0.1", "127.0.0.1", 8189, false);
    check(wide, &opened, "a.lan", "192.168.0.2", 1, true);
    check(wide, &opened, "lan", "192.168.0.2", 1, false);
    check(wide, &opened, "comfy", "10.0.0.1", 80, true);

    let model = [("llm_base_url", "http://localhost:11434/v1")];
    check(wide, &model, "localhost", "127.0.0.1", 11434, true);
    check(wide, &model, "localhost", "127.0.0.1", 80, false);
    check(
        wide,
        &[("redis_url", "redis://:pw@10.0.0.9")],
        "10.0.0.9",
        "10.0.0.9",
        6379,
        true,
    );
    check(
        wide,
        &[("llm_base_url", "")],
        "localhost",
        "127.0.0.1",
        80,
        false,
    );
}

/// Answers every connection with one response.
async fn upstream() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut byte = [0; 1024];
            let _head = socket.read(&mut byte).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nreached";
            let _left = socket.write_all(answer).await;
        }
    });
    port
}

#[tokio::test]
async fn a_guest_cannot_reach_this_machine_unless_it_is_named() {
    let port = upstream().await;
    let host = TestHost::start().await;
    let forms = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "127.0.0.1.",
        "[::1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "0",
        "user@127.0.0.1",
        "127.0.0.1:80@127.0.0.1",
    ];
    for form in forms {
        let url = format!("http://{form}:{port}/");
        let answer = host.post("/fetch", url.clone()).await;
        assert!(!answer.body.contains("reached"), "{url}");
    }
    let answer = host
        .post("/fetch", format!("http://127.0.0.1:{port}/"))
        .await;
    assert!(answer.body.contains("Denied"), "{answer:?}");
    let answer = host.post("/fetch", "https://127.0.0.1/").await;
    assert!(
        answer.body.contains("Denied"),
        "no grant for https: {answer:?}"
    );

    let named = [
        support::MANIFEST.replace("default = \"\"", &format!("default = \"127.0.0.1:{port}\"")),
        support::MANIFEST.replace("\"http://*:*\"", &format!("\"http://127.0.0.1:{port}\"")),
    ];
    for manifest in named {
        let host = TestHost::with(&manifest, |_| {}).await;
        let answer = host
            .post("/fetch", format!("http://127.0.0.1:{port}/"))
            .await;
        assert_eq!(answer.body, "reached");
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = canary.local_addr().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut byte = [0; 1024];
            let _head = socket.read(&mut byte).await;
            let answer = format!(
                "HTTP/1.1 302 Found\r\nlocation: http://{target}/\r\ncontent-length: 6\r\n\r\nmoved!"
            );
            let _left = socket.write_all(answer.as_bytes()).await;
        }
    });
    let opened = format!("default = \"127.0.0.1:{port}\"");
    let manifest = support::MANIFEST.replace("default = \"\"", &opened);
    let host = TestHost::with(&manifest, |_| {}).await;
    let url = format!("http://127.0.0.1:{port}/");
    let answer = host.post("/fetch", url).await;
    assert_eq!(answer.body, "moved!");
    // Whoever had connected would be in the queue of the listener.
    let has_come = std::future::poll_fn(|context| {
        std::task::Poll::Ready(canary.poll_accept(context).is_ready())
    });
    assert!(!has_come.await);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_so() {
    let manifest = support::MANIFEST.replace("default = \"\"", "default = \"127.0.0.1:*\"");
    let host = TestHost::with(&manifest, |_| {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let answer = host.post("/fetch", format!("http://{address}/")).await;
    assert!(answer.body.contains("Unreachable"), "{answer:?}");
}

/// A server that keeps its connections, and how many were made to it.
async fn keeping() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                while takes_request(&mut socket).await {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nreached";
                    let _left = socket.write_all(answer).await;
                }
            });
        }
    });
    (port, made)
}

/// Reads a request without content to its end, if one comes.
async fn takes_request(socket: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    loop {
        match socket.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return false,
        }
        let chunked = read.windows(7).any(|part| part == b"chunked");
        let end: &[u8] = match chunked {
            true => b"\r\n\r\n0\r\n\r\n",
            false => b"\r\n\r\n",
        };
        if read.ends_with(end) {
            return true;
        }
    }
}

/// Whoever used a connection that is idle for long would meet one that its server just closes.
#[tokio::test]
async fn an_idle_connection_is_given_up_before_its_server_closes_it() {
    assert!(
        edge_host::Config::new("", "").idle_outbound < Duration::from_secs(15),
        "the runner closes its own then"
    );
    for (idle, expected) in [(Duration::from_secs(60), 1), (Duration::from_millis(50), 2)] {
        let (port, made) = keeping().await;
        let opened = format!("default = \"127.0.0.1:{port}\"");
        let manifest = support::MANIFEST.replace("default = \"\"", &opened);
        let host = TestHost::with(&manifest, |config| config.idle_outbound = idle).await;
        let url = format!("http://127.0.0.1:{port}/");
        assert_eq!(host.post("/fetch", url.clone()).await.body, "reached");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(host.post("/fetch", url).await.body, "reached");
        assert_eq!(made.load(Ordering::Relaxed), expected, "{idle:?}");
    }
}
