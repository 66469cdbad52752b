//! Turns of a coding session: patches and commands, approvals, the queue, the way back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::{Gate, Script};
use serde_json::{Value, json};
use stage::{Stage, call};
use std::sync::atomic::Ordering;

const SORT: &str = "*** Begin Patch\n*** Add File: sort.py\n+def sort(items):\n+    return \
    sorted(items)\n*** Add File: test_sort.py\n+import unittest\n*** End Patch";

fn patch(text: &str) -> Script {
    call("apply_patch", json!({ "patch": text }))
}

fn kinds(stage: &Stage) -> Vec<String> {
    let room = &stage.runner.state().room;
    let kinds = room.iter().filter_map(|event| event["type"].as_str());
    kinds.map(str::to_owned).collect()
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_sort_function_with_a_test_approvals_included() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let plan = json!({ "plan": [{ "step": "Write it", "status": "in_progress" }] });
    stage.model.push(call("update_plan", plan));
    stage
        .model
        .push(call("shell", json!({ "command": ["ls"] })));
    stage.model.push(patch(SORT));
    let test = json!({ "command": "python3 -m unittest", "justification": "It runs the test" });
    stage.model.push(call("shell", test));
    stage.model.push(Script::answer(&["It is", " sorted."]));
    let taken = stage
        .say(&session, "请帮我实现一个排序函数")
        .await
        .done(200);
    assert_eq!(taken["status"], "submitted");
    assert!(taken["timestamp"].is_i64());
    // The patch waits, and nothing is written.
    let asked = stage.heard("approval_requested").await;
    assert_eq!(asked["subject"]["type"], "patch");
    assert_eq!(stage.file("sort.py"), None);
    let waiting = stage.pending(&session).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0]["type"], "patch");
    let paths: Vec<_> = waiting[0]["changes"].as_array().unwrap().iter().collect();
    assert_eq!(paths[0], &json!({ "path": "sort.py", "type": "add" }));
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let applied = stage.call(&stage.ada, &line, &Value::Null).await.done(200);
    assert_eq!(applied["status"], "applied");
    assert!(stage.file("sort.py").unwrap().contains("sorted(items)"));
    // So does the command, which could change something; the first did not.
    let command = |event: &Value| event["subject"]["type"] == "command";
    let asked = stage.told(command).await;
    assert_eq!(asked["reason"], "It runs the test");
    let expected = json!(["sh", "-c", "python3 -m unittest"]);
    assert_eq!(asked["subject"]["command"], expected);
    let approval = json!({ "type": "approval", "id": asked["call_id"], "decision": "approved" });
    let answer = stage.on_socket(&session, "s-1", approval).await;
    assert_eq!(answer["payload"]["type"], "submitted");
    assert_eq!(answer["payload"]["submission_id"], "s-1");
    stage.ended(1).await;
    let ended = stage.heard("run_ended").await;
    assert_eq!(
        (&ended["outcome"], &ended["output"]),
        (&json!("succeeded"), &json!("It is sorted."))
    );
    let kinds = kinds(&stage);
    for kind in [
        "plan",
        "patch_begun",
        "patch_ended",
        "turn_diff",
        "approval_decided",
        "usage",
    ] {
        assert!(
            kinds.iter().any(|found| found == kind),
            "{kind} in {kinds:?}"
        );
    }
    // The agent was Alex, with the tools of this session and its folder.
    let requests = stage.model.requests();
    let told = requests[0].json["messages"][0]["content"].as_str().unwrap();
    assert!(told.contains("/workspace"), "{told}");
    let tools = requests[0].json["tools"].as_array().unwrap();
    let tools: Vec<_> = tools
        .iter()
        .map(|tool| tool["function"]["name"].clone())
        .collect();
    assert_eq!(
        tools,
        ["shell", "apply_patch", "update_plan", "read_output"]
    );
    // What the whole session has changed, and the way back.
    let line = format!("GET /api/sessions/{session}/diff");
    let diff = stage.call(&stage.ada, &line, &Value::Null).await.done(200);
    let text = diff["unified_diff"].as_str().unwrap();
    assert!(
        text.contains("+++ b/sort.py") && text.contains("new file mode"),
        "{text}"
    );
    let line = format!("POST /api/sessions/{session}/undo");
    let undone = stage.call(&stage.ada, &line, &Value::Null).await.done(200);
    assert_eq!(undone["status"], "undone");
    assert_eq!(stage.file("sort.py"), None);
    let refused = stage.call(&stage.ada, &line, &Value::Null).await;
    assert_eq!(
        refused.problem(409, "There is no turn to undo")["error"],
        "Conflict"
    );
    // The next turn knows of it.
    stage.model.push(Script::answer(&["I see."]));
    stage.say(&session, "Where is it?").await.done(200);
    stage.ended(2).await;
    let requests = stage.model.requests();
    let told = requests.last().unwrap().json["messages"][0]["content"].to_string();
    assert!(told.contains("taken back"), "{told}");
}

#[tokio::test]
async fn what_is_denied_is_not_done() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    stage.model.push(patch(SORT));
    stage.model.push(Script::answer(&["Then not."]));
    stage.say(&session, "Write it").await.done(200);
    let asked = stage.heard("approval_requested").await;
    let denied = json!({ "type": "approval", "id": asked["call_id"], "decision": "denied" });
    stage.submit(&session, denied.clone()).await.done(200);
    stage.ended(1).await;
    assert_eq!(stage.file("sort.py"), None);
    assert_eq!(stage.heard("approval_decided").await["decision"], "denied");
    let told = stage.model.requests()[1].json["messages"].to_string();
    assert!(told.contains("The user denied it"), "{told}");
    // A second time there is nothing to decide, and nothing to apply.
    let again = stage.submit(&session, denied).await;
    again.problem(409, "Nothing waits for an approval under that id");
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let none = stage.call(&stage.ada, &line, &Value::Null).await;
    none.problem(409, "No patch waits");
}

#[tokio::test]
async fn what_nobody_decides_in_time_is_not_done() {
    let stage = Stage::with(&[("approval_timeout", "0")]).await;
    let session = stage.session(json!({})).await;
    stage
        .model
        .push(call("shell", json!({ "command": ["touch", "a"] })));
    stage.model.push(Script::answer(&["Nobody answers."]));
    stage.say(&session, "Touch it").await.done(200);
    stage.ended(1).await;
    assert_eq!(stage.file("a"), None);
    assert_eq!(
        stage.heard("approval_decided").await["decision"],
        "timed_out"
    );
    let told = stage.model.requests()[1].json["messages"].to_string();
    assert!(told.contains("Nobody allowed it in time"), "{told}");
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let touch = || call("shell", json!({ "command": "touch a" }));
    for script in [touch(), touch(), Script::answer(&["Twice."])] {
        stage.model.push(script);
    }
    stage.say(&session, "Touch it twice").await.done(200);
    let asked = stage.heard("approval_requested").await;
    let allowed = json!({ "type": "approval", "id": asked["call_id"],
        "decision": "approved_for_session" });
    stage.submit(&session, allowed).await.done(200);
    stage.ended(1).await;
    assert_eq!(stage.file("a").as_deref(), Some("touched\n"));
    let asked = kinds(&stage);
    let asked = asked.iter().filter(|kind| *kind == "approval_requested");
    assert_eq!(asked.count(), 1);
}

#[tokio::test]
async fn auto_asks_nobody_and_read_only_changes_nothing() {
    let stage = Stage::start().await;
    let session = stage.session(json!({ "config_profile": "auto" })).await;
    stage.model.push(patch(SORT));
    stage
        .model
        .push(call("shell", json!({ "command": "touch b" })));
    stage.model.push(Script::answer(&["Done."]));
    stage.say(&session, "Write it").await.done(200);
    stage.ended(1).await;
    assert!(stage.file("sort.py").is_some() && stage.file("b").is_some());
    assert_eq!(stage.heard("patch_begun").await["auto_approved"], true);
    assert!(!kinds(&stage).contains(&"approval_requested".to_owned()));
    let session = stage
        .session(json!({ "config_profile": "read-only" }))
        .await;
    stage.model.push(patch(
        "*** Begin Patch\n*** Delete File: sort.py\n*** End Patch",
    ));
    stage.model.push(call("shell", json!({ "command": "ls" })));
    stage.model.push(Script::answer(&["I may not."]));
    stage.say(&session, "Delete it").await.done(200);
    stage.ended(2).await;
    assert!(stage.file("sort.py").is_some());
    // Its sandbox was asked for so that commands cannot write either.
    let launches = stage.runner.state().launches.clone();
    assert_eq!(launches.last().unwrap()["read_only"], true);
    assert_eq!(launches[0].get("read_only"), None);
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let refused = stage
        .call(&stage.ada, &line, &json!({ "patch": SORT }))
        .await;
    refused.problem(409, "The session is read-only: nothing may be changed");
}

#[tokio::test]
async fn a_message_during_a_turn_becomes_the_next_one() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let gate = Gate::new();
    stage.model.push(
        Script::new()
            .hold(&gate)
            .token("One.")
            .finish("stop")
            .done(),
    );
    for answer in ["Two.", "Three."] {
        stage.model.push(Script::answer(&[answer]));
    }
    stage.say(&session, "first").await.done(200);
    stage.heard("run_started").await;
    let second = json!({ "type": "user_message", "content": "second" });
    let answer = stage.on_socket(&session, "m2", second.clone()).await;
    assert_eq!(answer["payload"]["type"], "submitted", "{answer}");
    // The same again is answered the same, and not said twice.
    assert_eq!(stage.on_socket(&session, "m2", second).await, answer);
    stage.say(&session, "third").await.done(200);
    let undo = format!("POST /api/sessions/{session}/undo");
    let busy = stage.call(&stage.ada, &undo, &Value::Null).await;
    busy.problem(409, "A turn is under way. Interrupt it first");
    for number in 0..14 {
        stage
            .say(&session, &format!("more {number}"))
            .await
            .done(200);
        stage.model.push(Script::answer(&["More."]));
    }
    let full = stage.say(&session, "too many").await;
    assert_eq!(full.refused(409)["error"], "Conflict");
    gate.release();
    stage.ended(17).await;
    let select =
        "SELECT GROUP_CONCAT(content, ' ') FROM (SELECT content FROM messages ORDER BY id)";
    let said: String = stage.accounts.sql(select, Vec::new()).await[0]
        .get(0)
        .unwrap();
    let expected = "first One. second Two. third Three. more 0 More.";
    assert!(said.starts_with(expected), "{said}");
}

#[tokio::test]
async fn an_interrupt_ends_the_waiting_at_once() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    stage.model.push(patch(SORT));
    stage.say(&session, "Write it").await.done(200);
    stage.heard("approval_requested").await;
    stage
        .submit(&session, json!({ "type": "interrupt" }))
        .await
        .done(200);
    stage.ended(1).await;
    assert_eq!(stage.heard("run_ended").await["outcome"], "cancelled");
    assert_eq!(stage.pending(&session).await, Vec::<Value>::new());
    assert_eq!(stage.file("sort.py"), None);
    // Interrupting nothing is no fault.
    stage
        .submit(&session, json!({ "type": "interrupt" }))
        .await
        .done(200);
}

#[tokio::test]
async fn a_patch_of_ones_own() {
    let stage = Stage::start().await;
    let session = stage.session(json!({ "cwd": "app" })).await;
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let apply = async |patch: &str| {
        stage
            .call(&stage.ada, &line, &json!({ "patch": patch }))
            .await
    };
    let malformed = apply("no patch").await;
    assert_eq!(malformed.refused(400)["error"], "InvalidRequest");
    let out = apply("*** Begin Patch\n*** Add File: ../a\n+x\n*** End Patch").await;
    assert_eq!(out.refused(400)["error"], "InvalidRequest");
    assert!(stage.runner.state().launches.is_empty(), "not for that");
    let applied = apply(SORT).await.done(200);
    // Relative to the session's folder.
    assert_eq!(applied["changes"][0]["path"], "app/sort.py");
    assert!(stage.file("app/sort.py").is_some());
    let missing = "*** Begin Patch\n*** Update File: sort.py\n-nothing like it\n+x\n*** End Patch";
    assert_eq!(apply(missing).await.refused(409)["error"], "Conflict");
    assert_eq!(stage.heard("patch_ended").await["success"], true);
    assert!(
        stage.heard("turn_diff").await["unified_diff"]
            .as_str()
            .unwrap()
            .contains("app/sort.py")
    );
    // By the socket, and back.
    let more = "*** Begin Patch\n*** Delete File: sort.py\n*** End Patch";
    let payload = json!({ "type": "apply_patch", "patch": more });
    let frame = stage.on_socket(&session, "p1", payload).await;
    assert_eq!(frame["payload"]["type"], "applied", "{frame}");
    assert_eq!(stage.file("app/sort.py"), None);
    let undo = format!("POST /api/sessions/{session}/undo");
    stage.call(&stage.ada, &undo, &Value::Null).await.done(200);
    assert!(stage.file("app/sort.py").is_some());
    let payload = json!({ "type": "apply_patch", "patch": missing });
    let frame = stage.on_socket(&session, "p2", payload).await;
    assert_eq!(
        (&frame["type"], &frame["payload"]["status"]),
        (&json!("error"), &json!(409))
    );
}

/// A patch of few bytes can be about many, and an instance's memory is bounded.
#[tokio::test]
async fn what_is_too_large_for_a_patch() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let line = format!("POST /api/sessions/{session}/apply_patch");
    {
        let files = &mut stage.runner.state().files;
        files.insert("large".to_owned(), "x".repeat((2 << 20) + 1));
        files.insert("lines".to_owned(), "\n".repeat(300_000));
        for name in ["a", "b", "c", "d"] {
            files.insert(name.to_owned(), "x".repeat(2 << 20));
        }
    }
    let delete = async |names: &[&str]| {
        let hunks: String = names
            .iter()
            .map(|name| format!("*** Delete File: {name}\n"))
            .collect();
        let patch = format!("*** Begin Patch\n{hunks}*** End Patch");
        stage
            .call(&stage.ada, &line, &json!({ "patch": patch }))
            .await
    };
    let detail = "large has more than 2097152 bytes, the most that a patch changes";
    delete(&["large"]).await.problem(409, detail);
    let read = |line: &String| line.starts_with("GET") && line.ends_with("/files");
    assert!(!stage.runner.state().asked.iter().any(read));
    let detail = "the files of the patch are too large together: split it";
    delete(&["lines"]).await.problem(409, detail);
    delete(&["a", "b", "c", "d"]).await.problem(409, detail);
    delete(&["a", "b", "c"]).await.done(200);
    assert!(stage.file("c").is_none() && stage.file("d").is_some());
}

/// While somebody is asked, files change.
#[tokio::test]
async fn what_was_allowed_is_what_was_seen() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let put = |text: &str| {
        let files = &mut stage.runner.state().files;
        files.insert("a".to_owned(), text.to_owned());
    };
    put("one\ntwo\n");
    let text = "*** Begin Patch\n*** Update File: a\n@@\n-one\n+1\n*** End Patch";
    stage.model.push(patch(text));
    stage.model.push(Script::answer(&["It did not work."]));
    stage.say(&session, "Write 1").await.done(200);
    stage.heard("approval_requested").await;
    // The patch would still fit.
    put("one\nthree\n");
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let late = stage.call(&stage.ada, &line, &Value::Null).await;
    late.problem(409, "a was changed meanwhile; look at it again");
    stage.ended(1).await;
    assert_eq!(stage.file("a").as_deref(), Some("one\nthree\n"));
}

#[tokio::test]
async fn the_web_is_searched_where_it_can_be() {
    let own = [("web_search_url", "http://search.example/")];
    let stage = Stage::with(&own).await;
    let session = stage.session(json!({ "web_search": true })).await;
    let hit = json!({ "title": "Sorting", "url": "https://a.example", "content": "How to." });
    stage.runner.state().found = Some(json!({ "results": [hit] }));
    stage
        .model
        .push(call("web_search", json!({ "query": "how to sort" })));
    stage.model.push(Script::answer(&["I know now."]));
    stage.say(&session, "Look it up").await.done(200);
    stage.ended(1).await;
    assert_eq!(stage.heard("web_search").await["done"], true);
    let told = stage.model.requests()[1].json["messages"].to_string();
    assert!(
        told.contains("Sorting") && told.contains("https://a.example"),
        "{told}"
    );
    // A search engine that fails ends nothing.
    stage.runner.state().found = None;
    stage
        .model
        .push(call("web_search", json!({ "query": "x" })));
    stage.model.push(Script::answer(&["Without it."]));
    stage.say(&session, "Again").await.done(200);
    stage.ended(2).await;
    assert_eq!(stage.heard("run_ended").await["outcome"], "succeeded");
    // Nobody asked for it in this one.
    let session = stage.session(json!({})).await;
    stage.model.push(Script::answer(&["No."]));
    stage.say(&session, "Search").await.done(200);
    stage.ended(3).await;
    let last = stage.model.requests().pop().unwrap();
    assert!(!last.json["tools"].to_string().contains("web_search"));
}

#[tokio::test]
async fn a_runner_that_is_away_loses_nothing() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    stage.runner.away.store(true, Ordering::SeqCst);
    stage.say(&session, "first").await.done(200);
    stage.say(&session, "second").await.done(200);
    let select = "SELECT uuid FROM runs WHERE status = 'queued'";
    let runs = stage.accounts.sql(select, Vec::new()).await;
    assert_eq!(runs.len(), 1, "one begins, and one waits for it");
    let run: String = runs[0].get(0).unwrap();
    // Back again, it finds what nobody drives; the one that waited is driven by what it waited for.
    stage.runner.away.store(false, Ordering::SeqCst);
    stage.model.push(Script::answer(&["One."]));
    stage.model.push(Script::answer(&["Two."]));
    let path = format!("/internal/runs/{run}");
    let execution = stage.runner.ask(&path, json!({ "seen": 0 }).to_string());
    test_app::Answer::read(execution.await).await.done(200);
    stage.ended(1).await;
    let select =
        "SELECT GROUP_CONCAT(content, ' ') FROM (SELECT content FROM messages ORDER BY id)";
    let said: String = stage.accounts.sql(select, Vec::new()).await[0]
        .get(0)
        .unwrap();
    assert_eq!(said, "first One. second Two.");
}

/// The message waits for a turn to end; by then there is nobody to answer it.
#[tokio::test]
async fn a_message_that_nobody_can_answer_any_more_ends_its_turn() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let gate = Gate::new();
    let held = Script::new().hold(&gate).token("One.");
    stage.model.push(held.finish("stop").done());
    stage.say(&session, "first").await.done(200);
    stage.heard("run_started").await;
    stage.say(&session, "second").await.done(200);
    let disable = "UPDATE agents SET status = 'DISABLED'";
    stage.accounts.sql(disable, Vec::new()).await;
    gate.release();
    stage.ended(2).await;
    let last = stage.told(|event| event["reason"] == "no_agent").await;
    assert_eq!(last["outcome"], "failed", "{last}");
    let refused = stage.say(&session, "third").await;
    assert_eq!(refused.refused(503)["error"], "InternalError");
}

/// The operator makes a profile strict whose sandboxes may be written in.
#[tokio::test]
async fn a_stricter_profile_allows_no_more_than_before() {
    let ask = r#"{"lab": {"approval": "ask"}}"#;
    let stage = Stage::with(&[("codex_profiles", ask)]).await;
    let session = stage.session(json!({ "config_profile": "lab" })).await;
    let strict = "UPDATE codex_sessions SET profile = 'read-only'";
    stage.accounts.sql(strict, Vec::new()).await;
    let touch = json!({ "command": "touch b" });
    stage.model.push(call("shell", touch));
    stage.model.push(Script::answer(&["I may not."]));
    stage.say(&session, "Write it").await.done(200);
    let asked = stage.heard("approval_requested").await;
    let denied = json!({ "type": "approval", "id": asked["call_id"], "decision": "denied" });
    stage.submit(&session, denied).await.done(200);
    stage.ended(1).await;
    assert_eq!(stage.file("b"), None);
    // Nor may whoever brings a patch of their own.
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let own = json!({ "patch": SORT });
    let refused = stage.call(&stage.ada, &line, &own).await;
    refused.problem(409, "The session is read-only: nothing may be changed");
    assert_eq!(stage.file("sort.py"), None);
}
