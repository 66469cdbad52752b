//! The runner has the edge clear up.

use crate::{
    admin::health,
    client::LONG,
    edge::{Recorded, RecordingEdge},
    stack::{Stack, TOKEN},
};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(60);

/// What the edge was asked for at `target`, as soon as that was so often.
async fn asked(stack: &Stack, edge: &RecordingEdge, target: &str, times: usize) -> Vec<Recorded> {
    let asking = async {
        loop {
            health(stack).await;
            let mut asked = edge.asked_by_runner();
            asked.retain(|asked| asked.target == target);
            if asked.len() >= times {
                return asked;
            }
        }
    };
    tokio::time::timeout(LONG, asking).await.expect(target)
}

#[tokio::test]
async fn again_and_again_and_after_failures() {
    let any = "127.0.0.1:0".parse().unwrap();
    let failures = [503, 401, 404];
    let edge = RecordingEdge::start_planned(any, "/internal/sweep", &failures).await;
    let stack = Stack::start(edge.address, |config| config.sweep = SOON).await;
    let times = failures.len() + 2;
    for asked in asked(&stack, &edge, "/internal/sweep", times).await {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
    }
}

#[tokio::test]
async fn not_at_once_and_not_after_the_end() {
    let edge = RecordingEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    let migrated = async { while health(&stack).await["edge"]["migrated"] != true {} };
    tokio::time::timeout(LONG, migrated)
        .await
        .expect("migrated");
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
    let asked = asked(&stack, &edge, "/internal/services/probe", 2).await;
    assert_eq!(asked[0].method, "POST");
}
