//! Workflows against their service: validation and export, over real HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod studio;

use comfyui_stub::Canned;
use futures::future::{Either, select};
use serde_json::{Value, json};
use std::pin::pin;
use studio::{Studio, WORKFLOWS, api, editor, stub};
use web::Place;

async fn on(studio: &Studio, service: i64, workflow: &Value) -> String {
    let id = studio
        .workflow(&json!({ "name": "Cats 猫", "serviceId": service, "workflowData": workflow }))
        .await;
    format!("{WORKFLOWS}/{id}")
}

#[tokio::test]
async fn validation_says_what_the_service_would() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let service = studio.service(&comfy.url()).await;
    let validate = async |workflow: &Value| {
        let path = on(&studio, service, workflow).await;
        let line = format!("POST {path}/validate");
        studio.call(&studio.ada, &line, &Value::Null).await.data()
    };
    for workflow in [api(64), editor(64)] {
        let good = validate(&workflow).await;
        assert_eq!(
            (&good["valid"], &good["version"]),
            (&json!(true), &json!(1))
        );
        assert_eq!(good["outputs"], json!(["2"]));
        assert_eq!(
            (&good["errors"], &good["nodeErrors"]),
            (&json!([]), &json!([]))
        );
    }
    for workflow in [api(0), editor(0)] {
        let bad = validate(&workflow).await;
        assert_eq!(bad["valid"], false);
        let node = &bad["nodeErrors"][0];
        assert_eq!(
            (&node["nodeId"], &node["classType"]),
            (&json!("1"), &json!("EmptyImage"))
        );
        let error = node["errors"][0].as_str().unwrap();
        assert!(error.contains("width"), "{error}");
    }
    let mut unknown = api(64);
    unknown["1"]["class_type"] = json!("Nonesuch");
    let bad = validate(&unknown).await;
    assert_eq!(bad["valid"], false);
    let errors = bad["errors"].to_string();
    assert!(errors.contains("Nonesuch"), "{errors}");
    let mut unknown = editor(64);
    unknown["nodes"][0]["type"] = json!("Nonesuch");
    let bad = validate(&unknown).await;
    assert!(bad["errors"].to_string().contains("Nonesuch"), "{bad}");
    // One that no output needs is left out, and is a fault all the same.
    let mut unneeded = editor(64);
    let nodes = unneeded["nodes"].as_array_mut().unwrap();
    nodes.push(json!({ "id": 7, "type": "Nonesuch", "mode": 0, "inputs": [], "outputs": [] }));
    let bad = validate(&unneeded).await;
    assert_eq!(bad["valid"], false);
    assert_eq!(
        (&bad["outputs"], &bad["errors"]),
        (&json!(["2"]), &json!([]))
    );
    let error = "The service does not have the class Nonesuch; without it the node is left out";
    assert_eq!(
        bad["nodeErrors"],
        json!([{ "nodeId": "7", "classType": "Nonesuch", "errors": [error] }])
    );
    // Also beside others.
    unneeded["nodes"][0]["widgets_values"][0] = json!(0);
    let bad = validate(&unneeded).await;
    let nodes = bad["nodeErrors"].as_array().unwrap().iter();
    let nodes: Vec<_> = nodes.map(|node| &node["nodeId"]).collect();
    assert_eq!(nodes, ["1", "7"]);
    // It asks, and runs nothing.
    assert!(comfy.prompts().is_empty());
}

#[tokio::test]
async fn exports_are_what_comfyui_reads() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let service = studio.service(&comfy.url()).await;
    let path = on(&studio, service, &editor(64)).await;
    let export = async |query: &str| {
        let path = format!("{path}/export{query}");
        studio.get(&studio.ada, &path).await
    };
    for query in ["", "?format=editor", "?format=EDITOR&version=1"] {
        let exported = export(query).await;
        assert_eq!(exported.done(200), editor(64));
        assert_eq!(exported.header("content-type"), "application/json");
        let name = "attachment; filename=\"Cats _.json\"; filename*=UTF-8''Cats%20%E7%8C%AB.json";
        assert_eq!(exported.header("content-disposition"), name);
    }
    let converted = export("?format=api").await.done(200);
    assert_eq!(converted["1"]["class_type"], "EmptyImage");
    assert_eq!(converted["1"]["inputs"]["width"], 64);
    assert_eq!(converted["2"]["inputs"]["images"], json!(["1", 0]));
    export("?format=xml").await.refused(400);
    export("?version=9").await.refused(404);
    let path = on(&studio, service, &api(64)).await;
    let exported = studio
        .get(&studio.ada, &format!("{path}/export?format=api"))
        .await;
    assert_eq!(exported.done(200), api(64));
    let exported = studio
        .get(&studio.ada, &format!("{path}/export?format=editor"))
        .await;
    exported.refused(409);
    let mut unknown = editor(64);
    unknown["nodes"][0]["type"] = json!("Nonesuch");
    let path = on(&studio, service, &unknown).await;
    let exported = studio
        .get(&studio.ada, &format!("{path}/export?format=api"))
        .await;
    let problem = exported.refused(409);
    assert!(
        problem["detail"].as_str().unwrap().contains("Nonesuch"),
        "{problem}"
    );
}

/// What a check waits for at its service keeps no place from others.
#[tokio::test]
async fn a_service_that_is_slow_keeps_nobody_else_waiting() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let service = studio.service(&comfy.url()).await;
    let path = on(&studio, service, &editor(64)).await;
    let lines = [
        format!("POST {path}/validate"),
        format!("GET {path}/export?format=api"),
    ];
    let nothing = Value::Null;
    for line in &lines {
        comfy.answer("/object_info", Canned::Silence);
        let before = comfy.requests().len();
        let check = pin!(studio.call(&studio.ada, line, &nothing));
        let others = pin!(async {
            while comfy.requests().len() == before {
                tokio::task::yield_now().await;
            }
            [Place::take_large(), Place::take_large()].map(|place| place.is_ok())
        });
        let found = match select(check, others).await {
            Either::Left(_) => [false; 2],
            Either::Right((found, _)) => found,
        };
        assert_eq!(found, [true; 2], "{line}");
    }
    // The classes that come are large.
    let taken = [Place::take_large(), Place::take_large()];
    for line in &lines {
        let answer = studio.call(&studio.ada, line, &Value::Null).await;
        answer.problem(503, "Too many large requests at a time. Try again");
    }
    drop(taken);
    for line in &lines {
        let answer = studio.call(&studio.ada, line, &Value::Null).await;
        answer.done(200);
    }
}

#[tokio::test]
async fn a_service_that_fails_is_said_so() {
    let studio = Studio::start().await;
    let comfy = stub().await;
    let service = studio.service(&comfy.url()).await;
    let path = on(&studio, service, &editor(64)).await;
    let validate = format!("POST {path}/validate");
    let export = format!("GET {path}/export?format=api");
    for line in [&validate, &export] {
        comfy.answer(
            "/object_info",
            Canned::Response(500, "a secret path".to_owned()),
        );
        let answer = studio.call(&studio.ada, line, &Value::Null).await;
        answer.problem(502, "The ComfyUI service failed (500)");
        comfy.answer("/object_info", Canned::Response(200, "<html>".to_owned()));
        let answer = studio.call(&studio.ada, line, &Value::Null).await;
        answer.problem(502, "The service's answer is not one of ComfyUI");
    }
    comfy.kill();
    let answer = studio.call(&studio.ada, &validate, &Value::Null).await;
    answer.refused(502);
    let put = format!("PUT {path}");
    studio
        .call(&studio.ada, &put, &json!({ "serviceId": null }))
        .await
        .data();
    for line in [&validate, &export] {
        let answer = studio.call(&studio.ada, line, &Value::Null).await;
        answer.problem(409, "The workflow has no service");
    }
}
