//! A turn that another execution takes over: what its room is told goes on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use domain::Event;
use model_stub::scripted::Script;
use runner_api::runs::{Drive, Executor, Line};
use serde_json::{Value, json};
use stage::{Stage, call};
use std::{sync::atomic::Ordering, time::Duration};
use test_app::Lines;
use uuid::Uuid;

/// Says something, and has nobody drive the turn yet.
async fn begun(stage: &Stage, session: &str, text: &str) -> Drive {
    stage.runner.away.store(true, Ordering::SeqCst);
    stage.say(session, text).await.done(200);
    stage.runner.away.store(false, Ordering::SeqCst);
    let select = "SELECT uuid FROM runs WHERE status = 'queued'";
    let run: String = stage.accounts.sql(select, Vec::new()).await[0]
        .get(0)
        .unwrap();
    Drive {
        run: Uuid::parse_str(&run).unwrap(),
        session: Uuid::parse_str(session).unwrap(),
        user: 1,
        executor: Executor::Sandbox,
        room: None,
    }
}

/// Has the turn executed from a step on, when whoever did before has let it go.
async fn executed(stage: &Stage, drive: &Drive, seen: u64) -> Lines {
    loop {
        let edge = &stage.runner.edge;
        let response = edge.execute(drive.executor, drive.run, seen).await;
        if response.status() != 409 {
            return Lines::of(response);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads on to the line that tells the room such an event; the last step that was told before.
async fn heard(lines: &mut Lines, is: impl Fn(&Event) -> bool) -> (Line, u64) {
    let mut seen = 0;
    loop {
        let line = lines.told().await.expect("another line");
        if line.room.iter().any(&is) {
            return (line, seen);
        }
        let step = line.batch.as_ref().and_then(|batch| batch.step);
        seen = step.unwrap_or_default().max(seen);
    }
}

fn asks(event: &Event) -> bool {
    matches!(event, Event::ApprovalRequested(_))
}

/// Input and output up to each answer, and what fits into the model.
type Count = (u64, u64, Option<u64>);

fn counts(line: &Line) -> Vec<Count> {
    let counts = line.room.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some((usage.total.input, usage.total.output, usage.window)),
        _ => None,
    });
    counts.collect()
}

/// Those of all answers up to the turn's end.
async fn counts_to_the_end(mut lines: Lines) -> Vec<Count> {
    let mut found = Vec::new();
    loop {
        let line = lines.told().await.expect("an end");
        found.extend(counts(&line));
        if line.end.is_some() {
            return found;
        }
    }
}

fn running(command: &str, input: usize, output: usize) -> Script {
    let arguments = json!({ "command": command }).to_string();
    let script = Script::new().tool_call(0, "call_0", "shell", &arguments);
    script.finish("tool_calls").usage(input, output).done()
}

fn saying(input: usize, output: usize) -> Script {
    let script = Script::new().token("Here.").finish("stop");
    script.usage(input, output).done()
}

#[tokio::test]
async fn tokens_are_counted_for_the_session_whoever_executes_the_turn() {
    const WINDOW: Option<u64> = Some(128_000);
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    stage.model.push(running("ls", 10, 1));
    stage.model.push(saying(20, 2));
    let first = begun(&stage, &session, "one").await;
    let told = counts_to_the_end(executed(&stage, &first, 0).await).await;
    assert_eq!(told, [(10, 1, WINDOW), (30, 3, WINDOW)]);
    // The next turn is cut off where it waits for somebody.
    stage.model.push(running("touch a", 100, 10));
    stage.model.push(running("ls", 200, 20));
    stage.model.push(saying(400, 40));
    let second = begun(&stage, &session, "two").await;
    let mut lines = executed(&stage, &second, 0).await;
    let (line, before) = heard(&mut lines, |event| matches!(event, Event::Usage(_))).await;
    assert_eq!(counts(&line), [(130, 13, WINDOW)]);
    let answered = line.batch.and_then(|batch| batch.step).expect("a step");
    heard(&mut lines, asks).await;
    drop(lines);
    // Another execution takes it over, for a reader that has seen the first answer.
    let told = counts_to_the_end(executed(&stage, &second, answered).await).await;
    assert_eq!(told, [(330, 33, WINDOW), (730, 73, WINDOW)]);
    // And it is told the same again, from wherever. What fitted nobody knows any more.
    let all = [(130, 13, None), (330, 33, None), (730, 73, None)];
    for (seen, expected) in [(0, &all[..]), (before, &all[..]), (answered, &all[1..])] {
        let told = counts_to_the_end(executed(&stage, &second, seen).await).await;
        assert_eq!(told, expected, "after {seen}");
    }
    let told = counts_to_the_end(executed(&stage, &first, 0).await).await;
    assert_eq!(told, [(10, 1, None), (30, 3, None)]);
}

#[tokio::test]
async fn what_a_dead_execution_waited_for_is_withdrawn() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let touch = json!({ "command": "touch a" });
    stage.model.push(call("shell", touch));
    stage.model.push(Script::answer(&["Nobody said so."]));
    let drive = begun(&stage, &session, "Touch it").await;
    let mut lines = executed(&stage, &drive, 0).await;
    let (line, _) = heard(&mut lines, asks).await;
    let asked = serde_json::to_value(&line.room).unwrap();
    assert_eq!(stage.pending(&session).await.len(), 1);
    drop(lines);
    stage.runner.drive(drive).await;
    let decided = stage.heard("approval_decided").await;
    assert_eq!(decided["decision"], "withdrawn");
    assert_eq!(decided["call_id"], asked[0]["call_id"]);
    assert_eq!(stage.heard("run_ended").await["output"], "Nobody said so.");
    assert_eq!(stage.pending(&session).await, Vec::<Value>::new());
    let approval = json!({ "type": "approval", "id": decided["call_id"], "decision": "approved" });
    let late = stage.submit(&session, approval).await;
    late.problem(409, "Nothing waits for an approval under that id");
    assert_eq!(stage.file("a"), None);
    let told = stage.runner.state().room.clone();
    let decided = told
        .iter()
        .filter(|event| event["type"] == "approval_decided");
    assert_eq!(decided.count(), 1, "{told:#?}");
}

/// What is told of a diff is bounded, and goes on all the same.
#[tokio::test]
async fn a_large_diff_is_told_in_part() {
    let stage = Stage::start().await;
    let session = stage.session(json!({ "config_profile": "auto" })).await;
    let large = "x".repeat(600 << 10);
    let patch = format!("*** Begin Patch\n*** Add File: a.txt\n+{large}\n*** End Patch");
    stage
        .model
        .push(call("apply_patch", json!({ "patch": patch })));
    // The patch is more than the model can read again.
    stage.model.push(Script::answer(&["A file was written."]));
    let calls = [
        ("shell", json!({ "command": "touch b" })),
        ("shell", json!({ "command": "touch b" })),
    ];
    for (tool, arguments) in calls {
        stage.model.push(call(tool, arguments));
    }
    stage.model.push(Script::answer(&["Done."]));
    stage.say(&session, "Write much").await.done(200);
    stage.ended(1).await;
    let told = stage.runner.state().room.clone();
    let diffs: Vec<_> = told
        .iter()
        .filter(|event| event["type"] == "turn_diff")
        .collect();
    assert_eq!(diffs.len(), 2, "nothing new, nothing told");
    for diff in &diffs {
        assert_eq!(diff["truncated"], true);
        let text = diff["unified_diff"].as_str().unwrap();
        assert!(text.starts_with("# a/a.txt b/a.txt: "), "{}", text.len());
    }
    let last = diffs[1]["unified_diff"].as_str().unwrap();
    assert!(last.contains("+++ b/b\n"), "{last}");
}
