//! Both binaries as processes: they say where they listen, answer, and stop with their parent.
#![allow(clippy::unwrap_used, reason = "tests")]

mod asker;

use asker::{Asker, text};
use llm::Event;
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

async fn start(program: &str, arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .arg("--stop-on-stdin-eof")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).await.unwrap();
    let address = line.trim_end().strip_prefix("listening on ").unwrap();
    (child, format!("{address}/v1"))
}

/// Ends its standard input and expects it to stop in good order.
async fn stop(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn the_offline_model() {
    let program = env!("CARGO_BIN_EXE_offline-model");
    let (child, base_url) = start(program, &["--token-delay-ms", "0"]).await;
    let (events, error) = Asker::new(&base_url).read("hi").await;
    assert_eq!(error, None);
    assert!(text(&events).contains("offline model"));
    stop(child).await;
}

#[tokio::test]
async fn the_paced_model() {
    let program = env!("CARGO_BIN_EXE_model-stub");
    let arguments = ["--tokens", "20", "--interval-ms", "0.5", "--stamp"];
    let (child, base_url) = start(program, &arguments).await;
    let before = model_stub::paced::stamp();
    let (events, error) = Asker::new(&base_url).read("hi").await;
    assert_eq!(error, None);
    let stamps: Vec<u128> = events
        .iter()
        .filter_map(|event| match event {
            Event::Text(text) => Some(text.trim_end().parse().unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(stamps.len(), 20);
    assert!(stamps.is_sorted());
    assert!(stamps.first() >= Some(&before));
    stop(child).await;
}
