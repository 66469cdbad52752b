//! The binary: what it says, and how it ends.

use crate::{
    stack::{self, TOKEN},
    wire,
};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

/// The binary with nothing in its environment but these.
fn binary(state: &TempDir, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox-runner"));
    command
        .env_clear()
        .env("RUNNER_LISTEN", "127.0.0.1:0")
        .env("RUNNER_ADMIN_LISTEN", "127.0.0.1:0")
        .env("RUNNER_PREVIEW_LISTEN", "127.0.0.1:0")
        .env("RUNNER_STATE", state.path())
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ready(child: &mut Child) -> [String; 2] {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    [first, lines.next_line().await.unwrap().unwrap()]
}

#[tokio::test]
async fn it_runs_until_its_input_ends() {
    let waiting = "waiting for the edge";
    for (level, logged) in [("info", waiting), ("off", "")] {
        let state = tempfile::tempdir().unwrap();
        let edge = format!("http://{}", stack::nowhere().await);
        let variables = [
            ("RUNNER_TOKEN", TOKEN),
            ("RUNNER_EDGE_URL", edge.as_str()),
            ("RUST_LOG", level),
        ];
        let mut child = binary(&state, &variables)
            .arg("--stop-on-stdin-eof")
            .spawn()
            .unwrap();
        let [door, admin] = ready(&mut child).await;
        let address = |line: &str, name: &str| -> std::net::SocketAddr {
            let rest = line.strip_prefix("listening on http://").unwrap();
            rest.strip_suffix(name).unwrap().parse().unwrap()
        };
        let door = wire::get(address(&door, " (front door)"), "/x").await;
        assert_eq!(door.status(), 503, "{level}");
        let admin = wire::get(address(&admin, " (admin)"), "/v1/health").await;
        assert_eq!(admin.status(), 401, "{level}");
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "{level}: it ended by itself"
        );
        drop(child.stdin.take());
        let mut log = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .await
            .unwrap();
        assert!(child.wait().await.unwrap().success());
        assert!(log.contains(logged), "{log}");
        assert!(!log.contains(TOKEN), "{log}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_one_line() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let token = ("RUNNER_TOKEN", TOKEN);
    let smtp = ("RUNNER_SMTP_URL", "smtp://u:p4ssw0rd@h");
    for (variables, expected) in [
        (vec![], "RUNNER_TOKEN"),
        (vec![("RUNNER_TOKEN", "")], "RUNNER_TOKEN"),
        (vec![("RUNNER_TOKEN", "short")], "16"),
        (
            vec![token, ("RUNNER_LISTEN", taken.as_str())],
            taken.as_str(),
        ),
        (
            vec![token, ("RUNNER_ADMIN_LISTEN", taken.as_str())],
            taken.as_str(),
        ),
        (vec![token, ("RUNNER_STATE", "/proc/none")], "/proc/none"),
        (vec![token, smtp], "RUNNER_MAIL_FROM"),
        (
            vec![token, ("RUNNER_TRUSTED_PROXIES", "10.0.0.0/8, me")],
            "RUNNER_TRUSTED_PROXIES",
        ),
        (
            vec![token, ("RUNNER_ORIGINS", "https://app.example, null")],
            "RUNNER_ORIGINS",
        ),
    ] {
        let state = tempfile::tempdir().unwrap();
        let output = binary(&state, &variables).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.starts_with("sandbox-runner: ") && said.contains(expected),
            "{said}"
        );
        assert!(!said.contains("p4ssw0rd"), "{said}");
    }
}
