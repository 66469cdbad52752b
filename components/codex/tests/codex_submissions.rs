//! What is submitted to a coding session is done once, and what is only looked at not at all.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::Script;
use serde_json::{Value, json};
use stage::{Stage, call};

const SORT: &str = "*** Begin Patch\n*** Add File: sort.py\n+def sort(items):\n+    return \
    sorted(items)\n*** End Patch";

fn patch(text: &str) -> Script {
    call("apply_patch", json!({ "patch": text }))
}

/// That a frame refuses a submission, and why.
#[track_caller]
fn refused(frame: &Value, status: u16) -> &str {
    assert_eq!(frame["type"], "error", "{frame}");
    assert_eq!(frame["payload"]["status"], status, "{frame}");
    frame["payload"]["detail"].as_str().unwrap()
}

#[tokio::test]
async fn an_id_stands_for_one_thing() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    stage.model.push(Script::answer(&["One."]));
    let first = json!({ "type": "user_message", "content": "one", "metadata": { "a": 1, "b": 2 } });
    let taken = stage.on_socket(&session, "1", first.clone()).await;
    assert_eq!(taken["payload"]["type"], "submitted", "{taken}");
    stage.ended(1).await;
    let mut second = first.clone();
    second["content"] = json!("two");
    let mut tagged = first.clone();
    tagged["metadata"] = json!({ "a": 1 });
    let interrupt = json!({ "type": "interrupt" });
    for other in [&second, &tagged, &interrupt] {
        let frame = stage.on_socket(&session, "1", other.clone()).await;
        let why = refused(&frame, 409);
        assert_eq!(why, "This id was used for something else", "{other}");
    }
    // The same in other words is the same.
    let same = json!({ "metadata": { "b": 2, "a": 1 }, "content": "one", "type": "user_message",
        "decision": null, "x": 7 });
    assert_eq!(stage.on_socket(&session, "1", same).await, taken);
    let stopped = stage.on_socket(&session, "2", interrupt.clone()).await;
    assert_eq!(stopped["payload"]["type"], "submitted", "{stopped}");
    refused(&stage.on_socket(&session, "2", first.clone()).await, 409);
    assert_eq!(stage.on_socket(&session, "2", interrupt).await, stopped);
    // Each session has ids of its own.
    let another = stage.session(json!({})).await;
    stage.model.push(Script::answer(&["Two."]));
    let frame = stage.on_socket(&another, "1", second).await;
    assert_eq!(frame["payload"]["type"], "submitted", "{frame}");
    stage.ended(2).await;
    let select =
        "SELECT GROUP_CONCAT(content, ' ') FROM (SELECT content FROM messages ORDER BY id)";
    let said: String = stage.accounts.sql(select, Vec::new()).await[0]
        .get(0)
        .unwrap();
    assert_eq!(said, "one One. two Two.");
}

#[tokio::test]
async fn the_same_again_approves_no_other_patch() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    stage.model.push(patch(SORT));
    let other = "*** Begin Patch\n*** Add File: other.txt\n+x\n*** End Patch";
    stage.model.push(patch(other));
    stage.model.push(Script::answer(&["Done."]));
    stage.say(&session, "Write it").await.done(200);
    let first = stage.heard("approval_requested").await;
    let mine = ("sort.py".to_owned(), "mine\n".to_owned());
    stage.runner.state().files.extend([mine]);
    let approve = json!({ "type": "apply_patch" });
    let frame = stage.on_socket(&session, "a1", approve.clone()).await;
    let why = refused(&frame, 409);
    assert!(why.contains("sort.py was changed meanwhile"), "{why}");
    let next = |event: &Value| {
        event["type"] == "approval_requested" && event["call_id"] != first["call_id"]
    };
    let second = stage.told(next).await;
    let again = stage.on_socket(&session, "a1", approve.clone()).await;
    assert_eq!(refused(&again, 409), why);
    let waiting = stage.pending(&session).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["id"], second["call_id"]);
    assert_eq!(stage.file("other.txt"), None);
    let applied = stage.on_socket(&session, "a2", approve.clone()).await;
    assert_eq!(applied["payload"]["type"], "applied", "{applied}");
    assert_eq!(applied["payload"]["changes"][0]["path"], "other.txt");
    stage.ended(1).await;
    // Nothing waits any more: that is no answer to keep.
    refused(&stage.on_socket(&session, "a3", approve.clone()).await, 409);
    stage.model.push(patch(SORT));
    stage.model.push(Script::answer(&["Again."]));
    stage.say(&session, "Once more").await.done(200);
    let third = |event: &Value| next(event) && event["call_id"] != second["call_id"];
    stage.told(third).await;
    let applied = stage.on_socket(&session, "a3", approve).await;
    assert_eq!(applied["payload"]["type"], "applied", "{applied}");
    stage.ended(2).await;
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let stage = Stage::start().await;
    let session = stage.session(json!({ "cwd": "app" })).await;
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let apply = async |body: Value| stage.call(&stage.ada, &line, &body).await;
    let verified = apply(json!({ "patch": SORT, "dry_run": true })).await;
    let verified = verified.done(200);
    assert_eq!(verified["status"], "verified");
    let changes = json!([{ "path": "app/sort.py", "type": "add" }]);
    assert_eq!(verified["changes"], changes);
    let payload = json!({ "type": "apply_patch", "patch": SORT, "dry_run": true });
    let frame = stage.on_socket(&session, "d1", payload.clone()).await;
    assert_eq!(frame["payload"]["type"], "verified", "{frame}");
    assert_eq!(frame["payload"]["changes"], changes);
    assert_eq!(stage.on_socket(&session, "d1", payload).await, frame);
    let taken = json!({ "type": "apply_patch", "patch": SORT, "dry_run": true });
    stage.submit(&session, taken).await.done(200);
    let misfit = "*** Begin Patch\n*** Update File: sort.py\n-nothing like it\n+x\n*** End Patch";
    let misfit = apply(json!({ "patch": misfit, "dry_run": true })).await;
    misfit.refused(409);
    for (body, field) in [
        (json!({ "dry_run": true }), "patch"),
        (json!({ "dry_run": true, "patch": null }), "patch"),
        (json!({ "dry_run": "yes", "patch": SORT }), "dry_run"),
        (json!([]), "body"),
        (json!([SORT, true]), "body"),
    ] {
        let answer = apply(body.clone()).await;
        answer.refused(400);
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let nothing_is_done = || {
        let state = stage.runner.state();
        state.files.is_empty() && state.checkpoints.is_empty() && state.room.is_empty()
    };
    assert!(nothing_is_done());
    for dry_run in [Value::Null, json!(false)] {
        let body = json!({ "patch": SORT, "dry_run": dry_run });
        assert_eq!(apply(body).await.done(200)["status"], "applied");
        let none = apply(json!({ "dry_run": dry_run })).await;
        none.problem(409, "No patch waits");
    }
    assert!(!nothing_is_done());
}

#[tokio::test]
async fn what_could_not_be_done_may_be_submitted_again() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let payload = json!({ "type": "apply_patch", "patch": SORT });
    for part in ["PUT /v1/sandboxes/", "/files/stat"] {
        stage.runner.state().fails = Some((part, 504));
        refused(&stage.on_socket(&session, "p1", payload.clone()).await, 504);
    }
    // Refused by the runner itself: nothing is written.
    stage.runner.state().fails = Some(("/files/edits", 507));
    refused(&stage.on_socket(&session, "p1", payload.clone()).await, 507);
    assert_eq!(stage.file("sort.py"), None);
    stage.runner.state().fails = None;
    let applied = stage.on_socket(&session, "p1", payload.clone()).await;
    assert_eq!(applied["payload"]["type"], "applied", "{applied}");
    assert!(stage.file("sort.py").is_some());
    // Once it is written, it is not written again.
    stage.runner.state().files.clear();
    assert_eq!(stage.on_socket(&session, "p1", payload).await, applied);
    assert_eq!(stage.file("sort.py"), None);
}

/// Whether it was written nobody knows: it is not written a second time.
#[tokio::test]
async fn a_patch_that_may_be_written_is_not_written_again() {
    let stage = Stage::start().await;
    let session = stage.session(json!({})).await;
    let payload = json!({ "type": "apply_patch", "patch": SORT });
    stage.runner.state().fails = Some(("/files/edits", 504));
    refused(&stage.on_socket(&session, "p1", payload.clone()).await, 504);
    assert_eq!(stage.heard("patch_ended").await["success"], false);
    stage.runner.state().fails = None;
    for _ in 0..2 {
        let frame = stage.on_socket(&session, "p1", payload.clone()).await;
        let why = refused(&frame, 409);
        assert!(why.contains("look at the files"), "{why}");
    }
    assert_eq!(stage.file("sort.py"), None);
    let applied = stage.on_socket(&session, "p2", payload).await;
    assert_eq!(applied["payload"]["type"], "applied", "{applied}");
}
