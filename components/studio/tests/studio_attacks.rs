//! What a model that was talked into something, or a service that means harm, can and cannot do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use comfyui_stub::{Canned, Stub};
use serde_json::{Value, json};
use stage::Stage;

fn edit(patch: &Value) -> Value {
    json!({"patch": patch, "note": "x"})
}

/// Has the model call these tools, and returns what it was told of each.
async fn results(stage: &Stage, calls: &[(&str, Value)]) -> Vec<String> {
    stage.script(calls, "Well.");
    stage.say("Go on").await.done(200);
    let mut told = stage.results();
    told.split_off(told.len() - calls.len())
}

#[tokio::test]
async fn arguments_name_no_other_workflow_and_no_address() {
    let stage = Stage::start().await;
    let canary = Stub::start().await.unwrap();
    let other = stage
        .make_workflow(&stage.eve, &stage::text_to_image(64))
        .await;
    let mut aimed = edit(&json!([{"op": "remove", "path": "/5"}]));
    aimed["workflowId"] = json!(other);
    let told = results(
        &stage,
        &[
            ("get_workflow", json!({"workflowId": other})),
            ("edit_workflow", aimed),
            ("run_workflow", json!({"url": canary.url()})),
            (
                "list_models",
                json!({"folder": format!("{}/models", canary.url())}),
            ),
            ("list_models", json!({"folder": "../../etc/passwd"})),
            ("node_info", json!({"class": "../queue"})),
        ],
    )
    .await;
    for refused in &told[..3] {
        assert!(refused.contains("Wrong arguments"), "{refused}");
    }
    for folder in &told[3..5] {
        assert!(folder.contains("no such folder"), "{folder}");
    }
    assert!(told[5].contains("no class"), "{}", told[5]);
    assert_eq!(canary.requests(), Vec::<String>::new());
    let asked = stage.comfy().requests();
    let allowed = ["GET /object_info", "GET /models", "GET /models/"];
    for line in asked {
        let below = line.strip_prefix("GET /models/");
        let one_segment = below.is_some_and(|folder| !folder.contains('/'));
        assert!(allowed.contains(&line.as_str()) || one_segment, "{line}");
    }
    let path = format!("/api/v1/workflows/{other}");
    let others = stage.get(&stage.eve, &path).await;
    assert_eq!(others["version"], 1);
}

#[tokio::test]
async fn patches_that_do_not_fit_change_nothing() {
    let stage = Stage::start().await;
    let bomb: Vec<Value> =
        [json!({"op": "add", "path": "/5/x", "value": {"a": "x".repeat(60_000)}})]
            .into_iter()
            .chain(
                (0..30).map(
                    |number| json!({"op": "copy", "from": "/5", "path": format!("/5/{number}")}),
                ),
            )
            .collect();
    // Few bytes, and many values.
    let zeros = json!({"op": "add", "path": "/5/x", "value": vec![0; 20_000]});
    let into_itself = json!({"op": "copy", "from": "/5/x", "path": "/5/x/-"});
    let swelling: Vec<Value> = [zeros].into_iter().chain(vec![into_itself; 8]).collect();
    let long = json!({"op": "add", "path": format!("/{}", "9".repeat(500)),
        "value": {"class_type": "PreviewImage", "inputs": {}}});
    let many: Vec<Value> = (0..201)
        .map(|_| json!({"op": "test", "path": "/5/class_type", "value": "EmptyLatentImage"}))
        .collect();
    let told = results(
        &stage,
        &[
            (
                "edit_workflow",
                edit(&json!([{"op": "replace", "path": "/../../5", "value": 1}])),
            ),
            ("edit_workflow", edit(&Value::from(bomb))),
            ("edit_workflow", edit(&Value::from(swelling))),
            ("edit_workflow", edit(&json!([long]))),
            ("edit_workflow", edit(&Value::from(many))),
            (
                "edit_workflow",
                edit(&json!([{"op": "replace", "path": "", "value": {}}])),
            ),
            (
                "edit_workflow",
                edit(&json!([{"op": "replace", "path": "", "value": "rm -rf"}])),
            ),
            (
                "edit_workflow",
                edit(&json!([{"op": "exec", "path": "/5"}])),
            ),
            (
                "edit_workflow",
                json!({"patch": [{"op": "remove", "path": "/5"}]}),
            ),
            (
                "edit_workflow",
                edit(&json!([
                    {"op": "replace", "path": "/5/inputs/width", "value": 64},
                    {"op": "test", "path": "/5/inputs/height", "value": 1},
                ])),
            ),
        ],
    )
    .await;
    for (number, refused) in told.iter().enumerate() {
        let is_refused = refused.contains("was not changed") || refused.contains("not called");
        assert!(is_refused, "{number}: {refused}");
    }
    assert_eq!(stage.versions().await.len(), 1);
    assert_eq!(stage.data().await, stage::text_to_image(512));
    // Nothing was locked for it.
    let locks = stage
        .one("SELECT CAST(lock_generation AS TEXT) FROM workflows")
        .await;
    assert_eq!(locks, "0");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let stage = Stage::start().await;
    let canary = Stub::start().await.unwrap();
    let to = |path: &str| Canned::Redirect(format!("{}{path}", canary.url()));
    stage.comfy().answer("/object_info", to("/object_info"));
    let told = results(&stage, &[("list_nodes", json!({}))]).await;
    assert!(told[0].contains("redirect"), "{}", told[0]);
    stage.comfy().answer("/view", to("/view"));
    let told = results(&stage, &[("run_workflow", json!({}))]).await;
    assert!(told[0].contains("was not kept"), "{}", told[0]);
    assert_eq!(canary.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_services_names_are_names_alone() {
    let mut workflow = stage::text_to_image(64);
    workflow["9"]["inputs"]["filename_prefix"] = json!("../../../etc/cron.d/x");
    let stage = Stage::with(&workflow, 1).await;
    let told = results(&stage, &[("run_workflow", json!({}))]).await;
    // The service refuses to show it, and nothing of ours was looked for.
    assert!(told[0].contains("was not kept"), "{}", told[0]);
    assert!(!told[0].contains("cron.d"), "{}", told[0]);
    let files = stage
        .get(&stage.ada, "/api/v1/files?businessType=OUTPUT")
        .await;
    assert_eq!(files, json!([]));
}

#[tokio::test]
async fn what_a_service_sends_is_bounded_and_told_as_it_is() {
    let stage = Stage::start().await;
    stage
        .comfy()
        .answer("/object_info", Canned::Response(200, "<html>".to_owned()));
    let told = results(&stage, &[("list_nodes", json!({}))]).await;
    assert!(told[0].contains("not one of ComfyUI"), "{}", told[0]);
    stage.comfy().answer(
        "/prompt",
        Canned::Response(500, "Traceback /srv/x.py".to_owned()),
    );
    let told = results(&stage, &[("run_workflow", json!({}))]).await;
    assert!(told[0].contains("failed (500)"), "{}", told[0]);
    assert!(!told[0].contains("/srv"), "{}", told[0]);
}

#[tokio::test]
async fn sessions_are_about_what_their_user_may_see() {
    let stage = Stage::start().await;
    let body = json!({"workflowId": stage.workflow});
    stage
        .call(&stage.eve, "POST /api/v1/sessions", &body)
        .await
        .refused(404);
    let line = format!("POST /api/v1/sessions/{}/messages", stage.session);
    let message = json!({"content": "Hello"});
    for token in [&stage.eve, &stage.root] {
        stage.call(token, &line, &message).await.refused(404);
    }
    let listed = format!("GET /api/v1/sessions/{}/messages", stage.session);
    stage
        .call(&stage.eve, &listed, &Value::Null)
        .await
        .refused(404);
    stage
        .call(&stage.root, &listed, &Value::Null)
        .await
        .done(200);

    // An administrator's own session about it, for as long as he is one.
    let session = stage.make_session(&stage.root, stage.workflow).await;
    let line = format!("POST /api/v1/sessions/{session}/messages");
    stage.script(&[("get_workflow", json!({}))], "I see.");
    stage.call(&stage.root, &line, &message).await.done(200);
    assert!(stage.result(0).contains("Portraits"), "{}", stage.result(0));
    let demoted = "UPDATE users SET role = 'USER' WHERE username = 'root'";
    stage.accounts.sql(demoted, Vec::new()).await;
    stage.script(&[("get_workflow", json!({}))], "I do not see.");
    stage.call(&stage.root, &line, &message).await.done(200);
    let last = stage.model.requests().last().unwrap().json["messages"].to_string();
    assert!(last.contains("about no workflow"), "{last}");
}

#[tokio::test]
async fn a_workflow_that_is_gone_and_one_without_a_service() {
    let stage = Stage::start().await;
    let line = format!("PUT /api/v1/workflows/{}", stage.workflow);
    stage
        .call(&stage.ada, &line, &json!({"serviceId": null}))
        .await
        .done(200);
    let told = results(
        &stage,
        &[("get_workflow", json!({})), ("run_workflow", json!({}))],
    )
    .await;
    assert!(told[0].contains("has no service"), "{}", told[0]);
    assert!(told[1].contains("has no service to run on"), "{}", told[1]);
    let line = format!("DELETE /api/v1/workflows/{}", stage.workflow);
    stage.call(&stage.ada, &line, &Value::Null).await.done(200);
    stage.script(&[("get_workflow", json!({}))], "Gone.");
    stage.say("Look").await.done(200);
    let last = stage.model.requests().last().unwrap().json["messages"].to_string();
    assert!(last.contains("about no workflow"), "{last}");
}
