//! `POST /chat/messages` as a stream: what it tells, and what it says where it cannot.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::Script;
use serde_json::{Value, json};
use stage::Stage;
use std::{sync::atomic::Ordering, time::Duration};
use test_app::Answer;

const LONG: Duration = Duration::from_secs(60);

/// An event of a stream: its name, or its frame's type, and what it says.
type Told = (String, Value);

impl Stage {
    /// Ada says something, and is told what happens.
    async fn stream(&self, text: &str) -> Vec<Told> {
        let body = json!({ "session_id": self.session, "content": text });
        let line = "POST /api/v1/chat/messages";
        let answer = self.open(&self.ada, line, "text/event-stream", &body);
        let told = Answer::read(answer.await);
        let told = tokio::time::timeout(LONG, told).await.unwrap();
        let events = told.text.split("\n\n").filter(|one| one.contains("data: "));
        events.map(read).collect()
    }
}

fn read(event: &str) -> Told {
    let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let data: Value = serde_json::from_str(line("data: ").unwrap()).unwrap();
    if let Some(id) = line("id: ") {
        assert_eq!(data["event_id"], id);
    }
    let name = line("event: ").or(data["type"].as_str());
    (name.unwrap().to_owned(), data)
}

fn kinds(told: &[Told]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn a_file_that_the_run_changes_is_told_where_it_changes() {
    let stage = Stage::start().await;
    let arguments = json!({ "path": "a.txt", "content": "hello" }).to_string();
    let write = Script::new().tool_call(0, "c", "write_file", &arguments);
    stage.model.push(write.finish("tool_calls").done());
    stage.model.push(Script::answer(&["Done."]));
    let told = stage.stream("@Alex write").await;
    let expected = [
        "message",
        "status",
        "tool_call",
        "file_change",
        "tool_call",
        "message",
        "message",
        "status",
        "turn",
    ];
    assert_eq!(kinds(&told), expected);
    let (before, change) = (&told[2].1, &told[3].1);
    assert_eq!(
        (&change["path"], &change["kind"]),
        (&json!("a.txt"), &json!("created"))
    );
    // The room has it from the watch: here it bears the number of what came before it.
    assert_eq!(change["event_id"], before["event_id"]);
    let of_room = told.iter().filter(|(kind, _)| kind != "file_change");
    let numbers = of_room.filter_map(|(_, frame)| frame["event_id"].as_str());
    let expected: Vec<String> = (1..=7).map(|number| format!("1:{number}")).collect();
    assert_eq!(numbers.collect::<Vec<_>>(), expected);
    // Whole messages say how far they got, and the last status whose turn it was.
    let (said, delta, whole) = (&told[0].1, &told[5].1, &told[6].1);
    for message in [said, whole] {
        assert_eq!(
            (&message["final"], &message["status"]),
            (&json!(true), &json!("complete"))
        );
    }
    assert_eq!(
        (&delta["final"], &delta["status"]),
        (&json!(false), &Value::Null)
    );
    let last = &told[7].1;
    assert_eq!(
        (&last["status"], &last["agent"]),
        (&json!("finished"), &json!("Alex"))
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_off_says_so_once() {
    let stage = Stage::start().await;
    stage.runner.cut_after.store(1, Ordering::SeqCst);
    stage.model.push(Script::answer(&["Here."]));
    let told = stage.stream("Hello").await;
    assert_eq!(kinds(&told), ["message", "status", "history_lost", "turn"]);
    let (last, lost, turn) = (&told[1].1, &told[2].1, &told[3].1);
    assert_eq!(lost["reason"], "cut_off");
    assert_eq!(lost["event_id"], last["event_id"]);
    assert_eq!(turn["responses"][0]["content"], "Here.");
}

#[tokio::test]
async fn a_turn_that_fails_unanswered_is_an_error_before_its_end() {
    let stage = Stage::start().await;
    stage.model.push(Script::refusal(400, "secret-detail"));
    let told = stage.stream("Hello").await;
    assert_eq!(
        kinds(&told),
        ["message", "status", "status", "error", "turn"]
    );
    let (problem, turn) = (&told[3].1, &told[4].1);
    assert_eq!(problem["status"], 502);
    assert_eq!(problem["detail"], turn["run"]["detail"]);
    assert_eq!(turn["run"]["reason"], "model_failed");
    assert_eq!(turn["responses"], json!([]));
    // Where a part of an answer is there, it says that it is a part.
    let half = Script::new().tokens(&["Half ", "of"]);
    stage.model.push(half.cut());
    let told = stage.stream("Again").await;
    assert!(
        kinds(&told).iter().all(|kind| *kind != "error"),
        "{told:#?}"
    );
    let is_whole = |frame: &Value| frame["sender"] == "agent" && frame["final"] == true;
    let (_, whole) = told.iter().find(|(_, frame)| is_whole(frame)).unwrap();
    assert_eq!(
        (&whole["content"], &whole["status"]),
        (&json!("Half of"), &json!("failed"))
    );
}
