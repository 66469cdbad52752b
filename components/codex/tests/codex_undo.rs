//! The way back: what is undone, what cannot be, and what is said of it.

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
use test_app::Answer;

/// A session with a turn that has made the file `a`.
async fn session_with_a_turn(stage: &Stage) -> String {
    let session = stage.session(json!({ "config_profile": "auto" })).await;
    turn(stage, &session, "a", 1).await;
    session
}

/// The turn of that number makes a file.
async fn turn(stage: &Stage, session: &str, file: &str, number: usize) {
    let touch = json!({ "command": format!("touch {file}") });
    stage.model.push(call("shell", touch));
    stage.model.push(Script::answer(&["Done."]));
    stage.say(session, "Touch it").await.done(200);
    stage.ended(number).await;
}

/// Applies a patch of one's own that makes a file.
async fn patch(stage: &Stage, session: &str, file: &str) {
    let patch = format!("*** Begin Patch\n*** Add File: {file}\n+x\n*** End Patch");
    let line = format!("POST /api/sessions/{session}/apply_patch");
    let body = json!({ "patch": patch });
    stage.call(&stage.ada, &line, &body).await.done(200);
}

async fn undo(stage: &Stage, session: &str) -> Answer {
    let line = format!("POST /api/sessions/{session}/undo");
    stage.call(&stage.ada, &line, &Value::Null).await
}

#[tokio::test]
async fn a_turn_without_a_checkpoint_is_not_undone_nor_what_came_before() {
    let stage = Stage::start().await;
    let session = session_with_a_turn(&stage).await;
    stage.runner.state().too_much = true;
    turn(&stage, &session, "b", 2).await;
    let warning = stage.heard("warning").await;
    let text = "This turn cannot be undone, and its changes are not shown: The workspace is over \
                the limit";
    assert_eq!(
        (&warning["code"], &warning["text"]),
        (&json!("no_checkpoint"), &json!(text))
    );
    stage.runner.state().too_much = false;
    turn(&stage, &session, "c", 3).await;
    undo(&stage, &session).await.done(200);
    assert_eq!(stage.file("c"), None);
    let why = "The turn cannot be undone: there was more in the workspace than is kept of it";
    for _ in 0..2 {
        let refused = undo(&stage, &session).await;
        assert_eq!(refused.problem(409, why)["error"], "Conflict");
    }
    assert!(stage.file("a").is_some() && stage.file("b").is_some());
}

#[tokio::test]
async fn a_patch_without_a_checkpoint_says_so() {
    let stage = Stage::start().await;
    let session = session_with_a_turn(&stage).await;
    stage.runner.state().too_much = true;
    patch(&stage, &session, "b").await;
    let warning = stage.heard("warning").await;
    let text = "This patch cannot be undone, and its changes are not shown: The workspace is over \
                the limit";
    assert_eq!(warning["text"], text);
    undo(&stage, &session).await.refused(409);
    assert!(stage.file("a").is_some() && stage.file("b").is_some());
}

/// What a session has changed since it could be known.
#[tokio::test]
async fn the_diff_begins_where_there_is_a_checkpoint() {
    let stage = Stage::start().await;
    let session = stage.session(json!({ "config_profile": "auto" })).await;
    let diff = async || {
        let line = format!("GET /api/sessions/{session}/diff");
        let diff = stage.call(&stage.ada, &line, &Value::Null).await.done(200);
        let text = diff["unified_diff"].as_str().unwrap().to_owned();
        (text, diff["truncated"] == true)
    };
    stage.runner.state().too_much = true;
    turn(&stage, &session, "a", 1).await;
    assert_eq!(diff().await, (String::new(), true));
    stage.runner.state().too_much = false;
    turn(&stage, &session, "b", 2).await;
    let (text, truncated) = diff().await;
    assert!(text.contains("b/b") && !text.contains("b/a"), "{text}");
    assert!(truncated);
}

#[tokio::test]
async fn what_cannot_be_put_back_can_be_tried_again() {
    let stage = Stage::start().await;
    let session = session_with_a_turn(&stage).await;
    stage.runner.state().stuck = vec!["a".to_owned()];
    let why = "These files could not be put back: a. See to them, and undo again";
    undo(&stage, &session).await.problem(409, why);
    let told = stage.heard("undo").await;
    assert_eq!(
        (&told["phase"], &told["detail"]),
        (&json!("failed"), &json!(why))
    );
    // Until it is done, no agent is told that it was.
    let select = "SELECT undone FROM codex_sessions";
    let undone = async || {
        let rows = stage.accounts.sql(select, Vec::new()).await;
        rows[0].get::<Option<i64>>(0).unwrap()
    };
    assert_eq!(undone().await, None);
    stage.runner.state().stuck.clear();
    stage.runner.state().left_out = vec!["data.bin".to_owned()];
    let done = undo(&stage, &session).await.done(200);
    assert_eq!(done["left_out"], json!(["data.bin"]));
    assert_eq!(stage.file("a"), None);
    assert!(undone().await.is_some());
    let told = stage.heard("undo").await;
    let detail = "These files are not kept, and stay as they are: data.bin";
    assert_eq!(
        (&told["phase"], &told["detail"]),
        (&json!("succeeded"), &json!(detail))
    );
}

#[tokio::test]
async fn whoever_undoes_the_same_second_is_told() {
    let stage = Stage::start().await;
    let session = session_with_a_turn(&stage).await;
    stage.runner.state().outrun = true;
    let refused = undo(&stage, &session).await;
    let problem = refused.problem(409, "It was undone just now, or its files are gone");
    assert_eq!(problem["error"], "Conflict");
    undo(&stage, &session)
        .await
        .problem(409, "There is no turn to undo");
}

#[tokio::test]
async fn two_at_once_undo_one_turn() {
    let stage = Stage::start().await;
    let session = session_with_a_turn(&stage).await;
    let (one, other) = tokio::join!(undo(&stage, &session), undo(&stage, &session));
    let mut statuses = [one, other].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
