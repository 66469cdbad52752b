//! What a page in a browser learns of the front door's own answers.

use crate::{
    edge::RecordingEdge,
    stack::{self, Stack},
    wire::{self, Answer},
};
use origins::Origins;
use sandbox_runner::Config;

const APP: &str = "https://app.example";

fn open_to(list: &str) -> impl FnOnce(&mut Config) + use<> {
    let origins = Origins::parse(list).unwrap();
    move |config| config.front_door.origins = origins
}

async fn refused(list: &str, line: &str, headers: &str) -> Answer {
    let stack = Stack::start(stack::nowhere().await, open_to(list)).await;
    let request = format!("{line} HTTP/1.1\r\nhost: h\r\n{headers}\r\n");
    wire::ask(stack.door(), &request).await
}

#[tokio::test]
async fn refusals_are_protected() {
    for (line, status) in [
        ("GET /x", 503),
        ("GET /internal/x", 404),
        ("CONNECT h:1", 405),
    ] {
        let answer = refused("", line, "").await;
        assert_eq!(answer.status(), status, "{line}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let policy = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(answer.header("content-security-policy"), Some(policy));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("vary"), None);
    }
}

#[tokio::test]
async fn who_may_read_refusals() {
    let check = async |list: &str, origin: &str, allowed: Option<&str>| {
        let answer = refused(list, "GET /x", &format!("origin: {origin}\r\n")).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            allowed,
            "{list} {origin}"
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
        let exposed = answer.header("access-control-expose-headers").unwrap_or("");
        assert_eq!(exposed.contains("retry-after"), allowed.is_some());
    };
    check("", APP, None).await;
    check("*", APP, Some("*")).await;
    check("*", "null", None).await;
    check(APP, APP, Some(APP)).await;
    check(APP, "https://app.example.evil", None).await;
}

#[tokio::test]
async fn a_refused_preflight_lets_its_request_be_refused_readably() {
    let asks = format!("origin: {APP}\r\naccess-control-request-method: POST\r\n");
    let answer = refused(APP, "OPTIONS /x", &asks).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    assert_eq!(
        answer.header("access-control-max-age"),
        None,
        "it is not kept"
    );
    assert_eq!(answer.header("content-type"), None);
    assert!(answer.body.is_empty());
    let others = refused("", "OPTIONS /x", &asks).await;
    assert_eq!(others.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn the_edge_answers_for_itself() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, open_to("*")).await;
    let request = format!("GET /x HTTP/1.1\r\nhost: h\r\norigin: {APP}\r\n\r\n");
    let answer = wire::ask(stack.door(), &request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let passed_on = edge.passed_on();
    assert_eq!(passed_on[0].headers["origin"], APP);
}
