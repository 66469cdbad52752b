//! What the edge is told about a client is what the front door saw.

use crate::{
    edge::{Recorded, RecordingEdge},
    stack::{Stack, TOKEN},
    wire::{self, Answer},
};
use sandbox_runner::Config;

/// Sends one request with `headers`; returns what the edge got and what it answered.
async fn pass(headers: &str, change: impl FnOnce(&mut Config)) -> (Recorded, Answer) {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, change).await;
    let request = format!("GET /x HTTP/1.1\r\nhost: public.example\r\n{headers}\r\n\r\n");
    let answer = wire::ask(stack.door(), &request).await;
    assert_eq!(answer.status(), 200);
    (edge.passed_on().pop().unwrap(), answer)
}

/// All values of a header, joined.
fn all(record: &Recorded, name: &str) -> String {
    let values = record.headers.get_all(name).into_iter();
    values
        .map(|value| value.to_str().unwrap())
        .collect::<Vec<_>>()
        .join("|")
}

#[tokio::test]
async fn a_client_cannot_speak_for_the_front_door() {
    let spoofed = "x-atelier-client-addr: 1.1.1.1\r\nX-Atelier-Runner-Token: guess\r\n\
        x_atelier_client_addr: 1.1.1.1\r\nx-atelier-anything: 1\r\nspin-client-addr: 2.2.2.2:1\r\n\
        spin-full-url: http://x/\r\nforwarded: for=3.3.3.3\r\nx-forwarded-for: 4.4.4.4\r\n\
        x-forwarded-for: 5.5.5.5\r\nx-forwarded-proto: https\r\nx-forwarded-host: evil.example";
    let (record, answer) = pass(spoofed, |_| {}).await;
    assert_eq!(all(&record, "x-atelier-client-addr"), "127.0.0.1");
    assert_eq!(all(&record, "x-atelier-runner-token"), TOKEN);
    assert_eq!(
        all(&record, "x-forwarded-for"),
        "4.4.4.4, 5.5.5.5, 127.0.0.1"
    );
    assert_eq!(all(&record, "x-forwarded-proto"), "http");
    assert_eq!(all(&record, "x-forwarded-host"), "public.example");
    let left: Vec<&str> = record
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    for gone in [
        "x_atelier_client_addr",
        "x-atelier-anything",
        "spin-client-addr",
        "spin-full-url",
        "forwarded",
    ] {
        assert!(!left.contains(&gone), "{gone} in {left:?}");
    }
    assert_eq!(
        answer.header("x-atelier-secret"),
        None,
        "the edge's own headers stay inside"
    );
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let said = "x-forwarded-for: 4.4.4.4, 203.0.113.9\r\nx-forwarded-proto: https\r\n\
        x-forwarded-host: atelier.example";
    let trust = |config: &mut Config| {
        config.front_door.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let (record, _) = pass(said, trust).await;
    assert_eq!(all(&record, "x-atelier-client-addr"), "203.0.113.9");
    assert_eq!(
        all(&record, "x-forwarded-for"),
        "4.4.4.4, 203.0.113.9, 127.0.0.1"
    );
    assert_eq!(all(&record, "x-forwarded-proto"), "https");
    assert_eq!(all(&record, "x-forwarded-host"), "atelier.example");
}

#[tokio::test]
async fn headers_about_the_connection_stay_here() {
    let about = "connection: keep-alive, X-Private, x-atelier-client-addr, Upgrade\r\n\
        x-private: 1\r\nkeep-alive: 5\r\nte: trailers\r\nupgrade: websocket\r\n\
        proxy-authorization: Basic x\r\nproxy-connection: close\r\nexpect: 100-continue\r\n\
        authorization: Bearer user\r\ncookie: a=b";
    let (record, _) = pass(about, |_| {}).await;
    for gone in [
        "connection",
        "x-private",
        "keep-alive",
        "te",
        "upgrade",
        "proxy-authorization",
        "proxy-connection",
        "expect",
    ] {
        assert_eq!(all(&record, gone), "", "{gone}");
    }
    assert_eq!(all(&record, "authorization"), "Bearer user");
    assert_eq!(all(&record, "cookie"), "a=b");
    assert_eq!(all(&record, "x-atelier-client-addr"), "127.0.0.1");
}

#[tokio::test]
async fn every_request_has_a_number() {
    let check = async |given: &str, kept: bool| {
        let (record, answer) = pass(&format!("x-request-id: {given}"), |_| {}).await;
        let number = all(&record, "x-request-id");
        assert_eq!(answer.header("x-request-id"), Some(number.as_str()));
        assert_eq!(number == given, kept, "{given}");
        assert!((1..=64).contains(&number.len()));
    };
    check("abc-DEF_1", true).await;
    check("", false).await;
    check("a b", false).await;
    check(&"x".repeat(65), false).await;
}
