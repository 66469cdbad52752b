//! Turns of the studio's agent: it edits, validates and runs a workflow.

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
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// The room of an account.
async fn room(stage: &Stage, name: &str) -> Uuid {
    let select = format!("SELECT uuid FROM users WHERE username = '{name}'");
    stage.one(&select).await.parse().unwrap()
}

fn widen() -> Value {
    json!({"patch": [{"op": "replace", "path": "/5/inputs/width", "value": 1024}],
        "note": "1024 pixels wide"})
}

/// The frames of one type.
fn of_type<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames
        .iter()
        .filter(|frame| frame["type"] == kind)
        .collect()
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in its order")]
async fn make_it_1024_wide_and_run_it() {
    let stage = Stage::start().await;
    stage.script(
        &[
            ("get_workflow", json!({})),
            ("node_info", json!({"class": "EmptyLatentImage"})),
            ("edit_workflow", widen()),
            ("validate_workflow", json!({})),
            ("run_workflow", json!({})),
        ],
        "Here it is.",
    );
    stage.comfy().hold_at("KSampler");
    let path = format!("/api/v1/workflows/{}", stage.workflow);
    let meanwhile = async {
        tokio::time::timeout(LONG, stage.comfy().held())
            .await
            .expect("it runs");
        // The owner, an administrator and a stranger, while the agent works.
        let change = json!({"name": "Mine"});
        for token in [&stage.ada, &stage.root] {
            let changed = stage.call(token, &format!("PUT {path}"), &change).await;
            let problem = changed.refused(409);
            assert_eq!(problem["code"], 409, "{problem}");
            stage
                .call(token, &format!("DELETE {path}"), &Value::Null)
                .await
                .refused(409);
            let restore = format!("POST {path}/versions/1/restore");
            stage.call(token, &restore, &json!({})).await.refused(409);
        }
        for line in [format!("GET {path}"), format!("DELETE {path}")] {
            stage
                .call(&stage.eve, &line, &Value::Null)
                .await
                .refused(404);
        }
        stage
            .call(&stage.eve, &format!("PUT {path}"), &change)
            .await
            .refused(404);
        // One turn at a time.
        stage.say("And a cat").await.refused(409);
        let sessions = stage.get(&stage.ada, "/api/v1/sessions").await;
        assert_eq!(sessions[0]["status"], "RUNNING", "{sessions}");
        stage.comfy().release();
    };
    let (answer, ()) = tokio::join!(stage.say("Make it 1024 wide and run it"), meanwhile);
    let message = answer.done(200)["data"].take();
    assert_eq!(message["role"], "assistant", "{message}");
    assert_eq!(message["content"], "Here it is.");

    // What was changed, and by whom.
    let data = stage.data().await;
    assert_eq!(data["5"]["inputs"]["width"], 1024);
    assert_eq!(data["5"]["inputs"]["height"], 512);
    let versions = stage.versions().await;
    let who = |version: &Value| {
        let text = |name: &str| version[name].as_str().unwrap().to_owned();
        (
            version["version"].as_i64().unwrap(),
            text("authorType"),
            text("author"),
            text("note"),
        )
    };
    let texts = |number, kind: &str, author: &str, note: &str| {
        (number, kind.to_owned(), author.to_owned(), note.to_owned())
    };
    assert_eq!(
        who(&versions[0]),
        texts(2, "AGENT", "Comfy", "1024 pixels wide")
    );
    let first = who(&versions[1]);
    assert_eq!(
        (first.0, first.1.as_str(), first.2.as_str()),
        (1, "USER", "ada")
    );

    // The picture came back, to its owner alone.
    let output = "/api/v1/files?businessType=OUTPUT";
    let files = stage.get(&stage.ada, output).await;
    assert_eq!(files.as_array().unwrap().len(), 1, "{files}");
    let nobodys = stage.get(&stage.eve, output).await;
    assert_eq!(nobodys, json!([]));
    let result = stage.result(4);
    assert!(result.contains("It ran"), "{result}");
    picture_is(&stage, &files[0], (1024, 512)).await;

    // It is free again, and says so.
    let changed = stage
        .call(&stage.ada, &format!("PUT {path}"), &json!({"name": "Mine"}))
        .await;
    changed.done(200);
    told_in_order(&stage, &message).await;
}

/// Whether a file is a picture of that size, and nobody else's.
async fn picture_is(stage: &Stage, file: &Value, size: (u32, u32)) {
    let line = format!("GET /api/v1/files/stored/{}", file["id"]);
    stage
        .call(&stage.eve, &line, &Value::Null)
        .await
        .refused(404);
    let url = file["accessUrl"].as_str().unwrap();
    let path = &url[url.find("/api/").unwrap()..];
    let response = stage
        .open(&stage.ada, &format!("GET {path}"), &Value::Null)
        .await;
    assert_eq!(response.status(), 200, "{url}");
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await;
    let bytes = bytes.unwrap().to_bytes();
    assert_eq!(comfyui_stub::size_of_png(&bytes), Some(size));
}

/// What the sockets of ada and of an administrator were sent.
async fn told_in_order(stage: &Stage, answer: &Value) {
    let (ada, root) = (room(stage, "ada").await, room(stage, "root").await);
    stage
        .runner
        .until_told(ada, |frame| frame["type"] == "WORKFLOW_UNLOCKED")
        .await;
    let frames = stage.runner.frames(ada);
    let received = of_type(&frames, "MESSAGE_RECEIVED");
    let [asked, .., last] = received.as_slice() else {
        panic!("{frames:?}")
    };
    assert_eq!(asked["message"]["role"], "user");
    assert_eq!(asked["message"]["content"], "Make it 1024 wide and run it");
    assert_eq!(last["message"], *answer);
    let listed = format!("/api/v1/sessions/{}/messages", stage.session);
    let listed = stage.get(&stage.ada, &listed).await;
    assert_eq!(listed[0], asked["message"]);
    // Pieces name the message that comes of them.
    let deltas = of_type(&frames, "MESSAGE_DELTA");
    assert!(!deltas.is_empty());
    for delta in deltas {
        assert_eq!(delta["messageId"], answer["id"], "{delta}");
    }
    for frame in &frames {
        let of_all = ["WORKFLOW_LOCKED", "WORKFLOW_UNLOCKED"];
        if !of_all.contains(&frame["type"].as_str().unwrap()) {
            assert_eq!(frame["sessionId"], stage.session, "{frame}");
        }
        assert!(frame["eventId"].is_string(), "{frame}");
    }
    let execution = "SELECT id || ' ' || execution_type || ' ' || status || ' ' || \
        (input_tokens > 0) FROM executions";
    let execution = stage.one(execution).await;
    let (number, rest) = execution.split_once(' ').unwrap();
    assert_eq!(rest, "WORKFLOW SUCCEEDED 1");
    let progress = of_type(&frames, "EXECUTION_PROGRESS");
    for frame in &progress {
        assert_eq!(frame["workflowId"], stage.workflow);
        assert_eq!(frame["executionId"].to_string(), number);
    }
    let sampled = progress
        .iter()
        .any(|frame| frame["node"] == "3" && frame["value"] == 4 && frame["max"] == 4);
    assert!(sampled, "{progress:?}");
    let statuses: Vec<_> = progress
        .iter()
        .map(|frame| frame["status"].clone())
        .collect();
    assert_eq!(statuses.last(), Some(&json!("SUCCEEDED")), "{statuses:?}");
    // An administrator hears of the lock, and of nothing else.
    let seen = stage.runner.frames(root);
    let kinds: Vec<_> = seen.iter().map(|frame| frame["type"].clone()).collect();
    assert_eq!(
        kinds,
        [json!("WORKFLOW_LOCKED"), json!("WORKFLOW_UNLOCKED")]
    );
    assert_eq!(seen[0]["reason"], "Agent editing");
    assert_eq!(
        stage.runner.frames(room(stage, "eve").await),
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn an_interrupt_reaches_the_service() {
    let stage = Stage::start().await;
    stage.script(
        &[("edit_workflow", widen()), ("run_workflow", json!({}))],
        "never",
    );
    stage.comfy().hold_at("KSampler");
    let stop = async {
        tokio::time::timeout(LONG, stage.comfy().held())
            .await
            .expect("it runs");
        let line = format!("POST /api/v1/sessions/{}/interrupt", stage.session);
        stage.call(&stage.ada, &line, &Value::Null).await.done(202);
        let stopped = async {
            let is_interrupt = |line: &String| line == "POST /interrupt";
            while !stage.comfy().requests().iter().any(is_interrupt) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, stopped)
            .await
            .expect("an interrupt");
    };
    let (answer, ()) = tokio::join!(stage.say("Run it"), stop);
    // It had said nothing.
    answer.refused(409);
    stage
        .until("SELECT 1 FROM workflows WHERE lock_run IS NULL")
        .await;
    let ada = room(&stage, "ada").await;
    let unlocked = |frame: &Value| frame["type"] == "WORKFLOW_UNLOCKED";
    stage.runner.until_told(ada, unlocked).await;
    // Whoever shows how far it is hears of its end.
    is_stopped(&stage).await;
    let path = format!("PUT /api/v1/workflows/{}", stage.workflow);
    stage
        .call(&stage.ada, &path, &json!({"name": "Mine"}))
        .await
        .done(200);
    let execution = stage.one("SELECT status FROM executions").await;
    assert_eq!(execution, "CANCELLED");
}

/// Whether ada's socket is told that the turn was stopped, with its numbers.
async fn is_stopped(stage: &Stage) {
    let is_end =
        |frame: &Value| frame["type"] == "EXECUTION_PROGRESS" && frame["status"] == "CANCELLED";
    let told = stage.runner.until_told(room(stage, "ada").await, is_end);
    let told = told.await;
    assert_eq!(told["sessionId"], stage.session, "{told}");
    assert_eq!(told["workflowId"], stage.workflow, "{told}");
    let execution = stage.one("SELECT CAST(id AS TEXT) FROM executions").await;
    assert_eq!(told["executionId"].to_string(), execution, "{told}");
}

#[tokio::test]
async fn a_turn_that_is_stopped_before_a_word_says_so_on_the_socket() {
    let stage = Stage::start().await;
    stage.model.push(Script::new().head().stall());
    let stop = async {
        stage
            .until("SELECT 1 FROM runs WHERE status = 'running'")
            .await;
        let line = format!("POST /api/v1/sessions/{}/interrupt", stage.session);
        stage.call(&stage.ada, &line, &Value::Null).await.done(202);
    };
    let (answer, ()) = tokio::join!(stage.say("Run it"), stop);
    answer.problem(409, "the run was interrupted");
    is_stopped(&stage).await;
}

#[tokio::test]
async fn a_turn_without_a_word_is_done_all_the_same() {
    let stage = Stage::start().await;
    stage.script(&[("get_workflow", json!({}))], " \n");
    let message = stage.say("Look at it").await.done(200)["data"].take();
    assert_eq!(
        (&message["role"], &message["content"], &message["status"]),
        (&json!("assistant"), &json!("Done."), &json!("complete"))
    );
    let frames = stage.runner.frames(room(&stage, "ada").await);
    let received = of_type(&frames, "MESSAGE_RECEIVED");
    assert_eq!(received.last().unwrap()["message"], message);
}

#[tokio::test]
async fn what_was_said_before_a_turn_failed_is_no_answer() {
    let stage = Stage::start().await;
    let called = || {
        let said = Script::new().token("I look at it.");
        let called = said.tool_call(0, "call", "get_workflow", "{}");
        called.finish("tool_calls").done()
    };
    stage.model.push(called());
    stage.model.push(Script::refusal(400, "secret-detail"));
    let problem = stage.say("Look at it").await.refused(502);
    let detail = problem["detail"].as_str().unwrap();
    assert!(!detail.contains("secret-detail"), "{problem}");
    // The socket says the same.
    let frames = stage.runner.frames(room(&stage, "ada").await);
    let errors = of_type(&frames, "ERROR");
    assert_eq!(
        (&errors[0]["code"], errors[0]["message"].as_str()),
        (&json!(502), Some(detail))
    );
    // A part of an answer says that it is a part.
    stage.model.push(called());
    stage
        .model
        .push(Script::new().tokens(&["Half ", "of"]).cut());
    let message = stage.say("Again").await.done(200)["data"].take();
    assert_eq!(
        (&message["content"], &message["status"]),
        (&json!("Half of"), &json!("failed"))
    );
}

#[tokio::test]
async fn a_service_that_dies_ends_the_call_and_not_the_turn() {
    let mut stage = Stage::with(&stage::text_to_image(512), 10).await;
    stage.script(&[("run_workflow", json!({}))], "It died.");
    stage.comfy().hold_at("KSampler");
    let comfy = stage.comfy.take().unwrap();
    let die = async {
        tokio::time::timeout(LONG, comfy.held())
            .await
            .expect("it runs");
        comfy.kill();
    };
    let (answer, ()) = tokio::join!(stage.say("Run it"), die);
    assert_eq!(answer.done(200)["data"]["content"], "It died.");
    let result = stage.result(0);
    assert!(result.contains("cannot be reached"), "{result}");
    assert!(!result.contains("127.0.0.1"), "{result}");
    let frames = stage.runner.frames(room(&stage, "ada").await);
    let progress = of_type(&frames, "EXECUTION_PROGRESS");
    assert_eq!(progress.last().unwrap()["status"], "FAILED");
}

#[tokio::test]
async fn where_nobody_can_listen_the_history_tells_the_end() {
    let stage = Stage::start().await;
    stage.runner.deaf.store(true, Ordering::SeqCst);
    stage.script(&[("run_workflow", json!({}))], "Done.");
    stage.say("Run it").await.done(200);
    let result = stage.result(0);
    assert!(result.contains("It made a file"), "{result}");
}

#[tokio::test]
async fn a_socket_that_is_cut_off_is_opened_again() {
    let stage = Stage::start().await;
    stage.script(&[("run_workflow", json!({}))], "Done.");
    stage.comfy().hold_at("KSampler");
    let cut = async {
        tokio::time::timeout(LONG, stage.comfy().held())
            .await
            .expect("it runs");
        stage.comfy().drop_sockets();
        stage.comfy().release();
    };
    let (answer, ()) = tokio::join!(stage.say("Run it"), cut);
    answer.done(200);
    assert!(
        stage.result(0).contains("It made a file"),
        "{}",
        stage.result(0)
    );
}

#[tokio::test]
async fn what_a_frame_that_is_no_json_told_is_in_the_history() {
    let stage = Stage::start().await;
    stage.comfy().garble("executed");
    stage.script(&[("run_workflow", json!({}))], "Done.");
    stage.say("Run it").await.done(200);
    let result = stage.result(0);
    assert!(result.contains("It made a file"), "{result}");
}

#[tokio::test]
async fn numbers_that_json_does_not_know_lose_no_picture() {
    let stage = Stage::start().await;
    for path in ["/object_info", "/history"] {
        stage.comfy().spoil(path);
    }
    // What the node made stands in the history alone.
    stage.comfy().garble("executed");
    stage.script(&[("run_workflow", json!({}))], "Done.");
    stage.say("Run it").await.done(200);
    let result = stage.result(0);
    assert!(result.contains("It made a file"), "{result}");
}

#[tokio::test]
async fn what_fails_at_the_service_is_told_to_the_model() {
    let stage = Stage::start().await;
    stage
        .comfy()
        .fail_at("VAEDecode", "RuntimeError", "out of memory");
    stage.script(&[("run_workflow", json!({}))], "It failed.");
    stage.say("Run it").await.done(200);
    let result = stage.result(0);
    assert!(
        result.contains("Node 8 (VAEDecode) failed: RuntimeError: out of memory"),
        "{result}"
    );
}

#[tokio::test]
async fn parts_that_do_not_run_are_named_and_the_others_run() {
    let mut workflow = stage::text_to_image(64);
    // Another output, which lacks what it needs.
    workflow["20"] = json!({"class_type": "SaveImage", "inputs": {"filename_prefix": "b"}});
    let stage = Stage::with(&workflow, 1).await;
    stage.script(
        &[
            ("validate_workflow", json!({})),
            ("run_workflow", json!({})),
        ],
        "A part ran.",
    );
    stage.say("Run it").await.done(200);
    let validated = stage.result(0);
    assert!(
        validated.contains("Outputs: 9.") && validated.contains("node 20"),
        "{validated}"
    );
    let ran = stage.result(1);
    assert!(
        ran.contains("It made a file") && ran.contains("node 20"),
        "{ran}"
    );
}

#[tokio::test]
async fn what_does_not_run_says_why() {
    let stage = Stage::start().await;
    let patch = json!({"patch": [
        {"op": "replace", "path": "/4/inputs/ckpt_name", "value": "none.safetensors"},
        {"op": "add", "path": "/30", "value": {"class_type": "Nonsense", "inputs": {}}},
    ], "note": "Breaks it"});
    stage.script(
        &[
            ("edit_workflow", patch),
            ("validate_workflow", json!({})),
            ("run_workflow", json!({})),
            (
                "list_models",
                json!({"class": "CheckpointLoaderSimple", "input": "ckpt_name"}),
            ),
            ("list_models", json!({"folder": "loras"})),
            ("list_nodes", json!({"search": "upscale", "gives": "IMAGE"})),
        ],
        "Broken.",
    );
    stage.say("Break it").await.done(200);
    assert!(
        stage.result(0).contains("added node 30"),
        "{}",
        stage.result(0)
    );
    for number in [1, 2] {
        let result = stage.result(number);
        assert!(result.contains("Nonsense"), "{result}");
    }
    assert!(stage.comfy().prompts().is_empty());
    assert!(stage.result(3).contains("sd_xl_base_1.0.safetensors"));
    assert!(stage.result(4).contains("detail.safetensors"));
    assert!(
        stage.result(5).contains("ImageUpscaleWithModel"),
        "{}",
        stage.result(5)
    );
}
