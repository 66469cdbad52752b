//! The lock on the workflow that an agent works on, and the ways out of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use domain::{SessionId, UserId, WorkflowId};
use model_stub::scripted::Script;
use runner_api::runs::Executor;
use serde_json::{Value, json};
use stage::{LONG, Stage};
use store::{
    runs::{self, Beginning},
    workflows::{self, Locked},
};
use test_app::{Lines, NOW};
use uuid::Uuid;

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

/// The rooms of all who may see ada's workflow.
async fn rooms(stage: &Stage) -> [Uuid; 2] {
    let room = async |name: &str| {
        let select = format!("SELECT uuid FROM users WHERE username = '{name}'");
        stage.one(&select).await.parse::<Uuid>().unwrap()
    };
    [room("ada").await, room("root").await]
}

fn is_unlocked(frame: &Value) -> bool {
    frame["type"] == "WORKFLOW_UNLOCKED"
}

/// Has the newest run executed again, which has ended, and returns how many rooms of those who may
/// see the workflow are told that it is free.
async fn told_again(stage: &Stage) -> usize {
    let rooms = rooms(stage).await;
    for room in rooms {
        stage.runner.frames(room);
    }
    let run = stage.one("SELECT uuid FROM runs ORDER BY id DESC LIMIT 1");
    let run = run.await.parse().unwrap();
    let answer = stage.runner.edge.execute(Executor::Studio, run, 0).await;
    let (_, end) = Lines::of(answer).to_the_end().await;
    assert_eq!(end.outcome, "succeeded");
    let told = rooms.map(|room| stage.runner.frames(room));
    told.iter()
        .flatten()
        .filter(|frame| is_unlocked(frame))
        .count()
}

#[tokio::test]
async fn that_a_lock_ended_is_told_again_where_its_holder_may_have_died() {
    let stage = Stage::start().await;
    stage.script(&[("edit_workflow", widen(640))], "Wide.");
    stage.say("Make it wide").await.done(200);
    assert_eq!(told_again(&stage).await, 2);
    // Another run works on it by now.
    let locked = "UPDATE workflows SET lock_reason = 'Agent editing', \
        lock_run = '00000000-0000-7000-8000-000000000001', lock_until = 9007199254740991";
    stage.accounts.sql(locked, Vec::new()).await;
    assert_eq!(told_again(&stage).await, 0);
    let freed = "UPDATE workflows SET lock_run = NULL, lock_reason = NULL, lock_until = NULL";
    stage.accounts.sql(freed, Vec::new()).await;
    assert_eq!(told_again(&stage).await, 2);
    // Who only read had no lock.
    stage.script(&[("get_workflow", json!({}))], "It is wide.");
    stage.say("Look at it").await.done(200);
    assert_eq!(told_again(&stage).await, 0);
}

#[tokio::test]
async fn a_session_that_nobody_works_in_just_now_frees_its_workflow() {
    let stage = Stage::start().await;
    let sql = &*stage.accounts.platform.sql;
    let ada = stage.one("SELECT CAST(id AS TEXT) FROM users WHERE username = 'ada'");
    let run = Uuid::from_u128(7);
    let body = json!({"type": "user", "run_id": run.to_string(),
        "message_id": Uuid::from_u128(8).to_string(), "text": "Make it wide"})
    .to_string();
    let beginning = Beginning {
        uuid: run,
        session: SessionId(stage.session),
        user: UserId(ada.await.parse().unwrap()),
        agent: Some("Comfy"),
        body: &body,
        options: "{}",
        now: NOW,
    };
    runs::begin(sql, &beginning).await.unwrap();
    let (id, holder) = (WorkflowId(stage.workflow), (run, "Agent editing"));
    let locked = workflows::lock(sql, None, id, holder, NOW, NOW + 3_600_000).await;
    assert!(matches!(locked, Ok(Locked::Done(_))), "{locked:?}");
    assert_eq!(rename(&stage).await, 409);
    let line = format!("DELETE /api/v1/sessions/{}", stage.session);
    stage.call(&stage.ada, &line, &Value::Null).await.done(204);
    for room in rooms(&stage).await {
        stage.runner.until_told(room, is_unlocked).await;
    }
    assert_eq!(rename(&stage).await, 200);
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
    stage.model.push(Script::call("edit_workflow", &widen(640)));
    stage.model.push(Script::call("run_workflow", &json!({})));
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
    let [ada, _] = rooms(&stage).await;
    let progress = |frame: &Value, status: &str| {
        frame["type"] == "EXECUTION_PROGRESS" && frame["status"] == status
    };
    let meanwhile = async {
        held(&stage).await;
        assert_eq!(rename(&stage).await, 409);
        let is_running = |frame: &Value| progress(frame, "RUNNING");
        stage.runner.until_told(ada, is_running).await;
        let line = format!("DELETE /api/v1/sessions/{}", stage.session);
        stage.call(&stage.ada, &line, &Value::Null).await.done(204);
        stage.until(FREE).await;
        assert_eq!(rename(&stage).await, 200);
    };
    let (answer, ()) = tokio::join!(stage.say("Make it wide"), meanwhile);
    answer.refused(404);
    stage.runner.until_told(ada, is_unlocked).await;
    // It is not told by the turn, of which nothing is kept any more.
    let is_cancelled = |frame: &Value| progress(frame, "CANCELLED");
    let last = stage.runner.until_told(ada, is_cancelled).await;
    assert_eq!(last["sessionId"], stage.session, "{last}");
    assert_eq!(last["workflowId"], stage.workflow, "{last}");
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
