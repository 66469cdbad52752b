//! Workflows in the editor's format: read with names, edited in place, seeds sown for each run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use serde_json::{Value, json};
use stage::Stage;

const EDITOR: &str =
    include_str!("../../../crates/comfyui/tests/conversion/text_to_image.editor.json");

#[tokio::test]
async fn an_editor_workflow_is_edited_and_run() {
    let workflow: Value = serde_json::from_str(EDITOR).unwrap();
    let stage = Stage::with(&workflow, 1).await;
    let seed = workflow["nodes"][4]["widgets_values"][0].clone();
    stage.script(
        &[
            ("get_workflow", json!({"find": "EmptyLatentImage"})),
            ("get_workflow", json!({"path": "/nodes/1/widgets_values"})),
            (
                "edit_workflow",
                json!({"patch": [
                    {"op": "test", "path": "/nodes/1/widgets_values/0", "value": 512},
                    {"op": "replace", "path": "/nodes/1/widgets_values/0", "value": 1024},
                ], "note": "Wider"}),
            ),
            ("run_workflow", json!({})),
        ],
        "Done.",
    );
    stage.say("Make it wide").await.done(200);
    let read = stage.result(0);
    for line in [
        "/nodes/1: id 5 EmptyLatentImage",
        "0 width = 512",
        "1 height = 768",
    ] {
        assert!(read.contains(line), "{line} in {read}");
    }
    assert!(!read.contains("KSampler"), "{read}");
    assert_eq!(stage.result(1), "[512,768,1]");
    let ran = stage.result(3);
    assert!(ran.contains("node 3: seed was "), "{ran}");
    let prompts = stage.comfy().prompts();
    assert_eq!(prompts[0]["5"]["inputs"]["width"], 1024);
    assert_ne!(prompts[0]["3"]["inputs"]["seed"], seed);
    // What is stored keeps its seed, and all that the agent did not name.
    let mut expected = workflow;
    expected["nodes"][1]["widgets_values"][0] = json!(1024);
    assert_eq!(stage.data().await, expected);
}

#[tokio::test]
async fn of_a_seed_that_a_primitive_feeds_the_primitive_decides() {
    let mut workflow: Value = serde_json::from_str(EDITOR).unwrap();
    // The sampler's own seed is set to randomize.
    let slot = json!({"name": "seed", "type": "INT", "link": 99, "widget": {"name": "seed"}});
    let inputs = workflow["nodes"][4]["inputs"].as_array_mut().unwrap();
    inputs.push(slot);
    let primitive = json!({"id": 30, "type": "PrimitiveNode", "mode": 0, "inputs": [],
        "outputs": [{"name": "INT", "type": "INT", "links": [99]}],
        "widgets_values": [7, "fixed"]});
    workflow["nodes"].as_array_mut().unwrap().push(primitive);
    let link = json!([99, 30, 0, 3, 4, "INT"]);
    workflow["links"].as_array_mut().unwrap().push(link);
    let stage = Stage::with(&workflow, 1).await;
    stage.script(&[("run_workflow", json!({}))], "Done.");
    stage.say("Run it").await.done(200);
    let ran = stage.result(0);
    assert!(!ran.contains("seed was"), "{ran}");
    assert_eq!(stage.comfy().prompts()[0]["3"]["inputs"]["seed"], 7);
}

#[tokio::test]
async fn long_workflows_come_in_parts() {
    let mut workflow = stage::text_to_image(64);
    for number in 100..200 {
        workflow[number.to_string()] = json!({"class_type": "EmptyLatentImage",
            "inputs": {"width": number, "height": 64, "batch_size": 1}});
    }
    let stage = Stage::with(&workflow, 1).await;
    stage.script(
        &[
            ("get_workflow", json!({"limit": 5})),
            ("get_workflow", json!({"limit": 5, "offset": 105})),
            ("get_workflow", json!({"find": "150"})),
            ("list_nodes", json!({"limit": 1})),
        ],
        "Long.",
    );
    stage.say("Look").await.done(200);
    let first = stage.result(0);
    assert!(
        first.contains("continue with offset 5]") && first.contains("107 nodes"),
        "{first}"
    );
    let last = stage.result(1);
    assert!(
        last.contains("/199: ") && !last.contains("continue with"),
        "{last}"
    );
    let found = stage.result(2);
    assert!(
        found.contains("width = 150") && !found.contains("width = 151"),
        "{found}"
    );
    let listed = stage.result(3);
    assert!(listed.contains("continue with offset 1]"), "{listed}");
}
