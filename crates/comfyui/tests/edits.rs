//! Patches, differences and look-ups.
#![allow(
    clippy::unwrap_used,
    reason = "tests: they say what they expect by panicking"
)]

use comfyui::{
    NodeQuery, ObjectInfo, Workflow, WorkflowError,
    edit::{PatchError, apply, differences, find_nodes, to_text},
    limits,
};
use serde_json::{Value, json};

fn workflow() -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": 18_446_744_073_709_551_615_u64, "steps": 20, "model": ["4", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}, "_meta": {"title": "The model"}},
        "10": {"class_type": "SaveImage", "inputs": {}},
    })
}

#[test]
fn patches_apply_whole_or_not_at_all() {
    let patched = apply(
        &workflow(),
        &json!([
            {"op": "test", "path": "/3/inputs/steps", "value": 20},
            {"op": "replace", "path": "/3/inputs/steps", "value": 30},
            {"op": "add", "path": "/5", "value": {"class_type": "VAEDecode", "inputs": {}}},
            {"op": "remove", "path": "/10"},
        ]),
    )
    .unwrap();
    assert_eq!(patched["3"]["inputs"]["steps"], 30);
    assert_eq!(
        patched["3"]["inputs"]["seed"],
        18_446_744_073_709_551_615_u64
    );
    assert_eq!(patched["5"]["class_type"], "VAEDecode");
    assert!(patched.get("10").is_none());

    let check = |patch: Value, expected: &str| {
        let error = apply(&workflow(), &patch).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(
        json!([{"op": "remove", "path": "/3"}, {"op": "replace", "path": "/9/x", "value": 1}]),
        "operation 2 (replace /9/x): ",
    );
    check(
        json!([{"op": "test", "path": "/3/inputs/steps", "value": 21}]),
        "operation 1 (test /3/inputs/steps): ",
    );
    check(json!({"op": "remove"}), "this is no JSON Patch: ");
    check(
        json!([{"op": "explode", "path": "/3"}]),
        "this is no JSON Patch: ",
    );
    check(
        json!([{"op": "move", "from": "/3", "path": "/3/inputs/x"}]),
        "operation 1 (move /3/inputs/x): ",
    );
}

#[test]
fn patches_cannot_grow_a_workflow_without_bound() {
    let many: Vec<Value> = (0..=limits::PATCH_OPERATIONS)
        .map(|_| json!({"op": "test", "path": "/3", "value": 1}))
        .collect();
    assert_eq!(
        apply(&workflow(), &json!(many)),
        Err(PatchError::TooMany(limits::PATCH_OPERATIONS + 1))
    );
    // Each copy doubles it.
    let doubling: Vec<Value> = (0..100)
        .map(|number| json!({"op": "copy", "from": "", "path": format!("/x{number}")}))
        .collect();
    assert!(matches!(
        apply(&workflow(), &json!(doubling)),
        Err(PatchError::TooLarge(_))
    ));
    // Deeper and deeper.
    let deeper: Vec<Value> = (0..100)
        .map(|number| json!({"op": "copy", "from": "", "path": format!("{}/x", "/x".repeat(number))}))
        .collect();
    assert!(apply(&json!({}), &json!(deeper)).is_err());
}

/// What few bytes say may be much once it is read: a list of numbers weighs thirty times its text.
#[test]
fn patches_are_weighed_and_not_only_measured() {
    let zeros = json!({"op": "add", "path": "/x", "value": vec![0; 20_000]});
    let into_itself = json!({"op": "copy", "from": "/x", "path": "/x/-"});
    let patch: Vec<Value> = [zeros].into_iter().chain(vec![into_itself; 8]).collect();
    assert_eq!(
        apply(&workflow(), &json!(patch)),
        Err(PatchError::TooLarge(5))
    );
    // As much in one operation is not even begun with.
    let many = json!([{"op": "add", "path": "/x", "value": vec![0; 300_000]}]);
    assert_eq!(apply(&workflow(), &many), Err(PatchError::TooHeavy));
    // What passes is read just as what people send is: by its text.
    let many = json!([{"op": "add", "path": "/x", "value": {"class_type": vec![0; 200_000]}}]);
    let patched = apply(&workflow(), &many).unwrap();
    let text = to_text(&patched).unwrap();
    assert!(Workflow::parse(text.as_bytes()).is_ok());
}

#[test]
fn texts_of_workflows_have_a_limit() {
    let text = to_text(&workflow()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), workflow());
    // As long as a workflow may be, but not once it is written.
    let long = json!({"1": {"class_type": "\u{1}".repeat(2 << 20)}});
    assert_eq!(to_text(&long), Err(WorkflowError::TooLong));
}

#[test]
fn ids_have_a_limit() {
    let read = |id: &str, origin: &str, subgraph: &str| {
        let value = json!({
            "nodes": [{"id": id, "type": "SaveImage"}],
            "links": [[1, origin, 0, 2, 0, "IMAGE"]],
            "definitions": {"subgraphs": [{"id": subgraph, "nodes": [], "links": []}]},
        });
        Workflow::read(&value).map(drop)
    };
    let (most, over) = ("9".repeat(limits::NODE_ID), "9".repeat(limits::NODE_ID + 1));
    assert_eq!(read(&most, &most, &most), Ok(()));
    for (id, origin, subgraph) in [
        (&over, &most, &most),
        (&most, &over, &most),
        (&most, &most, &over),
    ] {
        assert_eq!(read(id, origin, subgraph), Err(WorkflowError::LongId));
    }
    let api = |id: &str| Workflow::read(&json!({id: {"class_type": "SaveImage"}})).map(drop);
    assert_eq!(api(&most), Ok(()));
    assert_eq!(api(&over), Err(WorkflowError::LongId));
}

#[test]
fn differences_in_words() {
    let read = |value: &Value| Workflow::read(value).unwrap();
    let mut new = workflow();
    new["3"]["inputs"]["steps"] = json!(30);
    new["3"]["inputs"]["model"] = json!(["5", 0]);
    new["3"]["inputs"]["cfg"] = json!(7.5);
    new["4"]["class_type"] = json!("UNETLoader");
    new["5"] = json!({"class_type": "LoraLoader", "inputs": {}});
    new.as_object_mut().unwrap().remove("10");
    let (found, total) = differences(&read(&workflow()), &read(&new), 100);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "node 3 (KSampler): cfg set to 7.5",
            "node 3 (KSampler): model from [\"4\",0] to [\"5\",0]",
            "node 3 (KSampler): steps from 20 to 30",
            "replaced node 4 \"The model\" (CheckpointLoaderSimple) by 4 \"The model\" (UNETLoader)",
            "added node 5 (LoraLoader)",
            "removed node 10 (SaveImage)",
        ]
    );
    assert_eq!(total, 6);
    let (found, total) = differences(&read(&workflow()), &read(&new), 2);
    assert_eq!((found.len(), total), (2, 6));
    let (found, _) = differences(&read(&workflow()), &read(&workflow()), 9);
    assert!(found.is_empty());
}

#[test]
fn differences_between_editor_files() {
    let file = |mode: u32, x: u32, width: u32| {
        let value = json!({
            "nodes": [
                {"id": 1, "type": "EmptyImage", "pos": [x, 0], "widgets_values": [width, 8], "outputs": []},
                {"id": 2, "type": "SaveImage", "mode": mode, "inputs": [{"name": "images", "type": "IMAGE", "link": 7}]},
            ],
            "links": [[7, 1, 0, 2, 0, "IMAGE"]],
        });
        Workflow::read(&value).unwrap()
    };
    let (found, _) = differences(&file(0, 1, 64), &file(4, 99, 128), 9);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "node 1 (EmptyImage): value 1 from 64 to 128",
            "node 2 (SaveImage): mode from \"active\" to \"bypassed\"",
        ]
    );
    let api = Workflow::read(&workflow()).unwrap();
    let (found, _) = differences(&file(0, 1, 64), &api, 9);
    assert_eq!(found.len(), 1);
}

#[test]
fn nodes_are_found_by_class_and_title() {
    let workflow = Workflow::read(&workflow()).unwrap();
    let check = |text: &str, expected: &[&str]| {
        let (found, total) = find_nodes(&workflow, text, 10);
        let ids: Vec<_> = found.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(ids, expected, "{text}");
        assert_eq!(total, expected.len());
    };
    check("", &["3", "4", "10"]);
    check("sampler", &["3"]);
    check("the MODEL", &["4"]);
    check("10", &["10"]);
    check("nothing", &[]);
    assert_eq!(find_nodes(&workflow, "", 1).0.len(), 1);
}

#[test]
fn classes_are_found_by_words() {
    let info = ObjectInfo::parse(include_bytes!("object_info.json")).unwrap();
    let check = |query: NodeQuery<'_>, expected: &[&str]| {
        let found = info.search(&query);
        let names: Vec<_> = found
            .classes
            .iter()
            .map(|class| class.name.as_str())
            .collect();
        assert_eq!(names, expected, "{query:?}");
    };
    let query = NodeQuery {
        limit: 3,
        ..NodeQuery::default()
    };
    check(
        NodeQuery {
            text: "load checkpoint",
            ..query
        },
        &["CheckpointLoaderSimple"],
    );
    check(
        NodeQuery {
            text: "EXPORT",
            ..query
        },
        &["SaveImage"],
    );
    check(
        NodeQuery {
            gives: "LATENT",
            ..query
        },
        &["EmptyLatentImage", "KSampler"],
    );
    check(
        NodeQuery {
            takes: "VAE",
            ..query
        },
        &["VAEDecode"],
    );
    check(
        NodeQuery {
            category: "image/upscaling",
            ..query
        },
        &["ImageScale", "ImageUpscaleWithModel"],
    );
    check(
        NodeQuery {
            text: "no such thing",
            ..query
        },
        &[],
    );
    let all = info.search(&NodeQuery {
        limit: 2,
        offset: 1,
        ..query
    });
    assert_eq!((all.classes.len(), all.total), (2, info.len()));
}
