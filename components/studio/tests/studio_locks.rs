//! The lock on the workflow that an agent works on, and the ways out of it.

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
use stage::{LONG, Stage};

const LOCKED: &str = "SELECT 1 FROM workflows WHERE lock_run IS NOT NULL";
const FREE: &str = "SELECT 1 FROM workflows WHERE lock_run IS NULL AND lock_until IS NULL";

fn widen(width: u32) -> Value {
    json!({"patch": [{"op": "replace", "path": "/5/inputs/width", "value": width}],
        "note": "Another width"})
}

/// Ada's own change of her workflow; its status.
async fn rename(stage: &Stage) -> u16 {
    let line = format!("PUT /api/v1/workflows/{}", stage.workflow);
    let renamed = stage
        .call(&stage.ada, &line, &json!({"name": "Mine"}))
        .await;
    renamed.status.as_u16()
}

async fn held(stage: &Stage) {
    let held = stage.comfy().held();
    tokio::time::timeout(LONG, held).await.expect("it runs");
}

#[tokio::test]
async fn reading_and_running_lock_nothing() {
    let stage = Stage::start().await;
    stage.script(
        &[("get_workflow", json!({})), ("run_workflow", json!({}))],
        "Done.",
    );
    stage.comfy().hold_at("KSampler");
    let meanwhile = async {
        held(&stage).await;
        assert_eq!(rename(&stage).await, 200);
        stage.comfy().release();
    };
    let (answer, ()) = tokio::join!(stage.say("Run it"), meanwhile);
    answer.done(200);
}

#[tokio::test]
async fn another_session_does_not_get_in_between() {
    let stage = Stage::start().await;
    let other = stage.make_session(&stage.ada, stage.workflow).await;
    let call = |tool: &str, arguments: &Value| {
        let script = Script::new().tool_call(0, "call", tool, &arguments.to_string());
        stage.model.push(script.finish("tool_calls").done());
    };
    call("edit_workflow", &widen(640));
    call("run_workflow", &json!({}));
    stage.comfy().hold_at("KSampler");
    let meanwhile = async {
        held(&stage).await;
        stage.script(&[("edit_workflow", widen(320))], "Second.");
        let line = format!("POST /api/v1/sessions/{other}/messages");
        let body = json!({"content": "Make it small"});
        stage.call(&stage.ada, &line, &body).await.done(200);
        let refused = stage.result(0);
        assert!(refused.contains("Somebody else works on"), "{refused}");
        stage.model.push(Script::answer(&["First."]));
        stage.comfy().release();
    };
    let (answer, ()) = tokio::join!(stage.say("Make it wide"), meanwhile);
    assert_eq!(answer.done(200)["data"]["content"], "First.");
    assert_eq!(stage.data().await["5"]["inputs"]["width"], 640);
}

#[tokio::test]
async fn a_session_that_is_deleted_frees_its_workflow() {
    let stage = Stage::start().await;
    stage.script(
        &[("edit_workflow", widen(640)), ("run_workflow", json!({}))],
        "never",
    );
    stage.comfy().hold_at("KSampler");
    let meanwhile = async {
        held(&stage).await;
        assert_eq!(rename(&stage).await, 409);
        let line = format!("DELETE /api/v1/sessions/{}", stage.session);
        stage.call(&stage.ada, &line, &Value::Null).await.done(204);
        stage.until(FREE).await;
        assert_eq!(rename(&stage).await, 200);
    };
    let (answer, ()) = tokio::join!(stage.say("Make it wide"), meanwhile);
    answer.refused(404);
    let ada = stage
        .one("SELECT uuid FROM users WHERE username = 'ada'")
        .await;
    let unlocked = |frame: &Value| frame["type"] == "WORKFLOW_UNLOCKED";
    stage
        .runner
        .until_told(ada.parse().unwrap(), unlocked)
        .await;
    // Nobody waits for what was running.
    let interrupted = async {
        let is_interrupt = |line: &String| line == "POST /interrupt";
        while !stage.comfy().requests().iter().any(is_interrupt) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, interrupted)
        .await
        .expect("it is stopped");
}

#[tokio::test]
async fn a_lock_lives_with_its_run_and_not_longer_than_that() {
    let stage = Stage::start().await;
    stage.script(
        &[("edit_workflow", widen(640)), ("run_workflow", json!({}))],
        "Done.",
    );
    stage.comfy().hold_at("KSampler");
    let meanwhile = async {
        held(&stage).await;
        stage.until(LOCKED).await;
        let until = "SELECT CAST(lock_until AS TEXT) FROM workflows";
        let first = stage.one(until).await;
        // The run's lease is prolonged, and with it the lock.
        let later = format!("SELECT 1 FROM workflows WHERE lock_until > {first}");
        stage.until(&later).await;
        // Had everybody died, it would run out.
        let expired = "UPDATE workflows SET lock_until = 1";
        stage.accounts.sql(expired, Vec::new()).await;
        assert_eq!(rename(&stage).await, 200);
        stage.comfy().release();
    };
    let (answer, ()) = tokio::join!(stage.say("Make it wide"), meanwhile);
    answer.done(200);
    stage.until(FREE).await;
}
