//! The runner is killed and started again, and says nothing that it should not.

use crate::{
    client::{enter, next, open, publish, refused, socket_path, stream_path},
    room_edge::RoomEdge,
    stack::TOKEN,
    wire,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{net::SocketAddr, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) door: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Process {
    pub(crate) async fn start(state: &TempDir, edge: SocketAddr) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox-runner"))
            .env_clear()
            .env("RUNNER_LISTEN", "127.0.0.1:0")
            .env("RUNNER_ADMIN_LISTEN", "127.0.0.1:0")
            .env("RUNNER_PREVIEW_LISTEN", "127.0.0.1:0")
            .env("RUNNER_STATE", state.path())
            .env("RUNNER_TOKEN", TOKEN)
            .env("RUNNER_EDGE_URL", format!("http://{edge}"))
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(state.path().join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = async || {
            let line = lines.next_line().await.unwrap().unwrap();
            let rest = line.strip_prefix("listening on http://").unwrap();
            rest.split(' ').next().unwrap().parse().unwrap()
        };
        let (door, admin) = (address().await, address().await);
        // Until it has said everything, somebody must listen.
        address().await;
        Self { child, door, admin }
    }
}

#[tokio::test]
async fn sockets_resume_after_a_kill() {
    let edge = RoomEdge::start().await;
    let state = tempfile::tempdir().unwrap();
    let mut runner = Process::start(&state, edge.address).await;
    let mut last: Option<String> = None;
    let mut got = 0;
    for round in 0..4_u64 {
        let mut socket = enter(runner.door, last.as_deref()).await;
        for first in (round * 40..round * 40 + 40).step_by(10) {
            publish(runner.admin, first, 10).await;
        }
        // Only a part of it is read before the kill.
        while got < round * 40 + 25 {
            let frame = next(&mut socket).await;
            assert_eq!(frame["status"], got.to_string());
            let id = frame["event_id"].as_str().unwrap();
            assert!(id.ends_with(&format!(":{}", got + 1)), "{id}");
            last = Some(id.to_owned());
            got += 1;
        }
        runner.child.kill().await.unwrap();
        runner = Process::start(&state, edge.address).await;
    }
}

#[tokio::test]
async fn credentials_are_not_logged() {
    let edge = RoomEdge::start().await;
    let state = tempfile::tempdir().unwrap();
    let mut runner = Process::start(&state, edge.address).await;
    let door = runner.door;
    let query = |secret: &str| format!("{}?token={secret}&ticket={secret}", socket_path());
    open(door, &query("user-1-secret"), &[]).await.unwrap();
    open(
        door,
        &socket_path(),
        &[("authorization", "Bearer user-1-secret")],
    )
    .await
    .unwrap();
    open(
        door,
        &socket_path(),
        &[("cookie", "access_token=user-1-secret")],
    )
    .await
    .unwrap();
    assert_eq!(refused(open(door, &query("wrong-secret"), &[]).await), 401);
    for path in [stream_path(), "/api/v1/auth/me".to_owned(), socket_path()] {
        wire::get(
            door,
            &format!("{path}?token=wrong-secret&ticket=wrong-secret"),
        )
        .await;
    }
    // Its log is whole when it ends by itself.
    let pid = runner.child.id().unwrap().cast_signed();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    assert!(runner.child.wait().await.unwrap().success());
    let mut log = String::new();
    let file = tokio::fs::File::open(state.path().join("log")).await;
    file.unwrap().read_to_string(&mut log).await.unwrap();
    assert!(log.contains(&socket_path()), "the access log is there");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("secret")).collect();
    assert_eq!(told, Vec::<&str>::new());
    assert!(!log.contains(TOKEN));
}
