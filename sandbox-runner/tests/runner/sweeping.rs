//! The runner has the edge clear up.

use crate::{
    admin::health,
    edge::RecordingEdge,
    stack::{Stack, TOKEN},
};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(60);

#[tokio::test]
async fn again_and_again_and_after_failures() {
    let any = "127.0.0.1:0".parse().unwrap();
    let failures = [503, 401, 404];
    let edge = RecordingEdge::start_planned(any, "/internal/sweep", &failures).await;
    let stack = Stack::start(edge.address, |config| config.sweep = SOON).await;
    let sweeps = loop {
        health(&stack).await;
        let mut asked = edge.asked_by_runner();
        asked.retain(|asked| asked.target == "/internal/sweep");
        if asked.len() > failures.len() + 1 {
            break asked;
        }
    };
    for asked in sweeps {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
    }
}

#[tokio::test]
async fn not_at_once_and_not_after_the_end() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    while health(&stack).await["edge"]["migrated"] != true {}
    let targets: Vec<String> = edge
        .asked_by_runner()
        .into_iter()
        .map(|asked| asked.target)
        .collect();
    assert_eq!(targets, ["/internal/migrate"]);
    assert!(stack.runner.shutdown().await, "nothing had to be cut off");
}

#[tokio::test]
async fn it_has_the_services_looked_at() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |config| config.probe = SOON).await;
    loop {
        health(&stack).await;
        let mut asked = edge.asked_by_runner();
        asked.retain(|asked| asked.target == "/internal/services/probe");
        if asked.len() > 1 {
            assert_eq!(asked[0].method, "POST");
            break;
        }
    }
}
