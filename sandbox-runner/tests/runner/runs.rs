//! Runs are driven to their end, told once, and taken up again.

use crate::{
    client::{LONG, Socket, ask, enter, next},
    room_edge::SESSION,
    room_restarts::Process,
    run_edge::{Play, RunEdge, end, step},
    stack::{Stack, TOKEN},
    wire::{self, Wire},
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use uuid::Uuid;

const RUN: &str = "00000000-0000-7000-8000-0000000000aa";

/// Asks for the run to be driven, and to be told.
async fn ask_for(admin: SocketAddr) -> Wire {
    let body = json!({"run": RUN, "session": SESSION, "user": 1}).to_string();
    let mut wire = Wire::connect(admin).await;
    wire.write(&format!(
        "POST /v1/runs HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\naccept: application/x-ndjson\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let head = tokio::time::timeout(LONG, wire.read_until("\r\n\r\n"));
    let head = head.await.unwrap();
    assert_eq!(wire::status(&head), 200, "{head}");
    wire
}

/// What whoever asked was told, beats aside.
async fn told(mut wire: Wire) -> Vec<Value> {
    let text = tokio::time::timeout(LONG, wire.read_to_end())
        .await
        .unwrap();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["beat"].is_null()).collect()
}

/// The next statuses in the room.
async fn statuses(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut statuses = Vec::new();
    while statuses.len() < count {
        let frame = next(socket).await;
        statuses.push(frame["status"].as_str().unwrap().to_owned());
    }
    statuses
}

fn quick(config: &mut sandbox_runner::Config) {
    config.runs.shortest_wait = Duration::from_millis(5);
    config.runs.longest_wait = Duration::from_millis(20);
    config.runs.silence = Duration::from_millis(500);
}

#[tokio::test]
async fn a_run_is_told_in_its_room_and_to_whoever_asked() {
    let lines = vec![
        step(1, &["begun", "working"]),
        json!({"beat": true}),
        step(Value::Null, &["piece"]),
        step(2, &[]),
        step(3, &["finished"]),
        end(),
    ];
    let edge = RunEdge::start(vec![Play::Lines(lines)]).await;
    let stack = Stack::start(edge.address, quick).await;
    let mut sockets = [
        enter(stack.door(), None).await,
        enter(stack.door(), None).await,
    ];
    let asked = ask_for(stack.admin()).await;
    let told = told(asked).await;
    let (last, batches) = told.split_last().unwrap();
    assert_eq!(last["end"], end()["end"]);
    let steps: Vec<_> = batches
        .iter()
        .map(|line| line["batch"]["step"].clone())
        .collect();
    assert_eq!(steps, [json!(1), Value::Null, json!(2), json!(3)]);
    let room: Vec<&Value> = batches
        .iter()
        .flat_map(|line| line["room"].as_array())
        .flatten()
        .collect();
    assert_eq!(room.len(), 4);
    for socket in &mut sockets {
        for one in &room {
            let frame = next(socket).await;
            assert_eq!(frame["event_id"], one["id"]);
            assert_eq!(frame["status"], one["event"]["status"]);
        }
    }
    assert_eq!(edge.seen(1).await, [0]);
    let metrics = ask(stack.admin(), "GET /metrics", "").await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(metrics.contains("runner_runs_total{outcome=\"succeeded\"} 1\n"));
}

#[tokio::test]
async fn an_execution_that_breaks_off_is_taken_up_after_the_last_step() {
    let edge = RunEdge::start(vec![
        Play::Hang(vec![step(1, &["a", "b"]), step(Value::Null, &["c"])]),
        Play::Reset(Vec::new()),
        Play::Status(503, json!({})),
        Play::Status(409, json!({})),
        // An edge that tells a step again is not believed.
        Play::Lines(vec![step(1, &["a", "b"]), step(2, &["d"])]),
        Play::Hang(vec![step(4, &["e"])]),
        Play::Lines(vec![json!({"continue": true})]),
        Play::Lines(vec![end()]),
    ])
    .await;
    let stack = Stack::start(edge.address, quick).await;
    let mut socket = enter(stack.door(), None).await;
    let asked = ask_for(stack.admin()).await;
    let told = told(asked).await;
    assert_eq!(told.last().unwrap()["end"]["outcome"], "succeeded");
    assert_eq!(statuses(&mut socket, 5).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(edge.seen(8).await, [0, 1, 1, 1, 1, 2, 4, 4]);
}

#[tokio::test]
async fn a_run_that_is_gone_is_forgotten() {
    let edge = RunEdge::start(Vec::new()).await;
    let stack = Stack::start(edge.address, quick).await;
    assert_eq!(
        told(ask_for(stack.admin()).await).await,
        Vec::<Value>::new()
    );
    edge.play(Play::Lines(vec![end()]));
    assert_eq!(told(ask_for(stack.admin()).await).await, [end()]);
}

#[tokio::test]
async fn two_who_ask_have_it_driven_once() {
    let edge = RunEdge::start(vec![
        Play::Hang(vec![step(1, &["a"])]),
        Play::Lines(vec![step(2, &["b"]), end()]),
    ])
    .await;
    let stack = Stack::start(edge.address, quick).await;
    let first = ask_for(stack.admin()).await;
    edge.seen(1).await;
    let second = ask_for(stack.admin()).await;
    let (first, second) = tokio::join!(told(first), told(second));
    assert_eq!(first.len(), 3);
    assert_eq!(second.last(), first.last());
    assert_eq!(edge.seen(2).await, [0, 1]);
}

#[tokio::test]
async fn whoever_asked_may_leave() {
    let edge = RunEdge::start(vec![
        Play::Hang(vec![step(1, &["a"])]),
        Play::Lines(vec![step(2, &["b"]), end()]),
    ])
    .await;
    let stack = Stack::start(edge.address, quick).await;
    let mut socket = enter(stack.door(), None).await;
    drop(ask_for(stack.admin()).await);
    assert_eq!(statuses(&mut socket, 2).await, ["a", "b"]);
}

#[tokio::test]
async fn only_the_edge_has_runs_driven() {
    let edge = RunEdge::start(Vec::new()).await;
    let stack = Stack::start(edge.address, quick).await;
    let body = json!({"run": RUN, "session": SESSION, "user": 1}).to_string();
    let request = |token: &str| {
        format!(
            "POST /v1/runs HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let refused = wire::ask(stack.admin(), &request("nonsense")).await;
    assert_eq!(refused.status(), 401);
    let accepted = wire::ask(stack.admin(), &request(TOKEN)).await;
    assert_eq!(accepted.status(), 202);
    let nonsense = ask(stack.admin(), "POST /v1/runs", "{\"run\":\"x\"}").await;
    assert_eq!(nonsense.status(), 422);
}

fn numbered(run: u128) -> String {
    Uuid::from_u128(run).to_string()
}

#[tokio::test]
async fn a_user_has_so_many_runs_that_are_driven_or_wait() {
    let edge = RunEdge::start(vec![Play::Hang(Vec::new()); 3]).await;
    let stack = Stack::start(edge.address, |config| {
        config.runs.of_user = 1;
        config.runs.waiting_of_user = 2;
    })
    .await;
    let drive = async |user: i64, run: u128| {
        let body = json!({"run": numbered(run), "session": SESSION, "user": user});
        ask(stack.admin(), "POST /v1/runs", &body.to_string()).await
    };
    for run in [1, 2] {
        assert_eq!(drive(1, run).await.status(), 202);
    }
    let refused = drive(1, 3).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.header("retry-after"), Some("10"));
    assert_eq!(drive(1, 2).await.status(), 202, "that one waits already");
    assert_eq!(drive(2, 4).await.status(), 202, "others have their own");
}

#[tokio::test]
async fn the_many_runs_of_one_keep_nobodys_from_being_found() {
    let edge = RunEdge::start(vec![Play::Hang(Vec::new()); 2]).await;
    for run in [1, 2, 3] {
        edge.leave_unfinished_of(1, &numbered(run));
    }
    edge.leave_unfinished_of(2, &numbered(4));
    let _stack = Stack::start(edge.address, |config| {
        config.runs.of_user = 1;
        config.runs.waiting_of_user = 1;
    })
    .await;
    // The first of the one, and that of the other.
    assert_eq!(edge.seen(2).await, [0, 0]);
}

/// The runner is killed while a run goes on: the next one finds it, and sockets that come back
/// miss nothing and get nothing twice.
#[tokio::test]
async fn a_killed_runner_is_followed_by_one_that_drives_on() {
    let names = |round: u64| [format!("{round}a"), format!("{round}b")];
    let tells = |round: u64| {
        let names = names(round);
        step(round + 1, &[names[0].as_str(), names[1].as_str()])
    };
    // What was told before the kill is told again.
    let play = |round: u64| {
        let again = round.checked_sub(1).map(tells);
        Play::Hang(again.into_iter().chain([tells(round)]).collect())
    };
    let plays = (0..4).map(play).chain([Play::Lines(vec![end()])]);
    let edge = RunEdge::start(plays.collect()).await;
    edge.leave_unfinished(RUN);
    let state = tempfile::tempdir().unwrap();
    let mut runner = Process::start(&state, edge.address).await;
    let mut last = "0".to_owned();
    for round in 0..4 {
        let mut socket = enter(runner.door, Some(&last)).await;
        for name in names(round) {
            let frame = next(&mut socket).await;
            assert_eq!(frame["status"], name);
            last = frame["event_id"].as_str().unwrap().to_owned();
        }
        runner.child.kill().await.unwrap();
        runner = Process::start(&state, edge.address).await;
    }
    assert_eq!(edge.seen(5).await, [0, 1, 2, 3, 4]);
}
