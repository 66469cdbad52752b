//! The runner has the edge migrate its database.

use crate::{
    admin::health,
    edge::RecordingEdge,
    stack::{self, Stack, TOKEN},
    wire,
};

#[tokio::test]
async fn until_it_succeeds() {
    let any = "127.0.0.1:0".parse().unwrap();
    let edge = RecordingEdge::start_at(any, &[503, 401, 404, 200]).await;
    let stack = Stack::start(edge.address, |_| {}).await;
    while health(&stack).await["edge"]["migrated"] != true {}
    let calls = edge.asked_by_runner();
    assert_eq!(calls.len(), 4);
    for call in calls {
        assert_eq!(
            (call.method.as_str(), call.target.as_str()),
            ("POST", "/internal/migrate")
        );
        assert_eq!(call.headers["authorization"], format!("Bearer {TOKEN}"));
    }
}

#[tokio::test]
async fn once_the_edge_is_there() {
    let address = stack::nowhere().await;
    let stack = Stack::start(address, |_| {}).await;
    let before = health(&stack).await["edge"].clone();
    assert_eq!(
        before,
        serde_json::json!({ "reachable": false, "migrated": false })
    );
    let edge = RecordingEdge::start_at(address, &[]).await;
    while health(&stack).await["edge"]["migrated"] != true {}
    assert_eq!(health(&stack).await["edge"]["reachable"], true);
    assert_eq!(edge.asked_by_runner().len(), 1);
}

#[tokio::test]
async fn again_after_the_edge_was_lost() {
    let mut edge = crate::edge::PlayedEdge::start().await;
    let stack = Stack::start(edge.address, |_| {}).await;
    while health(&stack).await["edge"]["migrated"] != true {}
    let lost = tokio::spawn(wire_get(stack.door()));
    drop(edge.next().await);
    assert_eq!(lost.await.unwrap(), 502);
    while health(&stack).await["edge"]["migrated"] != true {}
}

async fn wire_get(address: std::net::SocketAddr) -> u16 {
    wire::get(address, "/x").await.status()
}
