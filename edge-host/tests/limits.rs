//! A guest that misbehaves costs only its own requests, and too many requests are refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use http::Request;
use http_body_util::BodyExt;
use std::time::Duration;
use support::{TestHost, exchange, streamed};

#[tokio::test]
async fn a_trap_is_a_problem_and_the_next_request_is_not() {
    let host = TestHost::start().await;
    for _ in 0..3 {
        let answer = host.get("/trap").await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(host.get("/hello").await.body, "hello");
    }
}

#[tokio::test]
async fn a_guest_without_memory_left_is_stopped() {
    let host = TestHost::with(support::MANIFEST, |config| {
        config.memory = 32 * 1024 * 1024;
    })
    .await;
    assert_eq!(host.get("/memory").await.status, 500);
    assert_eq!(host.get("/hello").await.body, "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_computes_without_end_is_stopped_and_others_do_not_notice() {
    let others = r#"
[[trigger.http]]
route = "/compute"
component = "runaway"
[component.runaway]
source = "GUEST"
"#;
    let manifest = format!("{}{others}", support::MANIFEST);
    let host = TestHost::with(&manifest, |config| {
        config.longest_computation = Duration::from_millis(300);
    })
    .await;
    let (pieces, body) = streamed();
    let request = Request::post("/echo").body(body).unwrap();
    let stream = tokio::spawn(exchange(host.address(), request));
    pieces.unbounded_send("before").unwrap();
    let stream = stream.await.unwrap();
    for _ in 0..2 {
        let answer = host.get("/compute").await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(host.get("/hello").await.body, "hello");
    }
    pieces.unbounded_send(" after").unwrap();
    drop(pieces);
    assert_eq!(stream.collect().await.unwrap().to_bytes(), "before after");
}

#[tokio::test]
async fn a_stream_may_wait_longer_than_a_guest_may_compute() {
    let host = TestHost::with(support::MANIFEST, |config| {
        config.longest_computation = Duration::from_millis(20);
    })
    .await;
    let (pieces, body) = streamed();
    let request = Request::post("/echo").body(body).unwrap();
    let exchange = tokio::spawn(exchange(host.address(), request));
    pieces.unbounded_send("one").unwrap();
    let response = exchange.await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    pieces.unbounded_send("two").unwrap();
    drop(pieces);
    assert_eq!(response.collect().await.unwrap().to_bytes(), "onetwo");
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_internal_ones_counted_apart() {
    let host = TestHost::with(support::MANIFEST, |config| {
        config.max_in_flight = 1;
        config.max_internal_in_flight = 1;
    })
    .await;
    let (pieces, body) = streamed();
    let request = Request::post("/echo").body(body).unwrap();
    let held = tokio::spawn(exchange(host.address(), request));
    pieces.unbounded_send("held").unwrap();
    let held = held.await.unwrap();
    let refused = host.get("/hello").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(host.get("/internal/x").await.status, 404);
    assert_eq!(host.get("//internal/x").await.status, 404);
    drop(pieces);
    assert_eq!(held.collect().await.unwrap().to_bytes(), "held");
    // The permit goes with the body, which the server drops when it has been written.
    while host.get("/hello").await.status == 503 {
        tokio::task::yield_now().await;
    }
}
