//! Whatever is read, there is an answer.

use bytes::Bytes;
use comfyui::{
    Frame, ObjectInfo, Prompt, Workflow, convert,
    edit::{apply, differences, find_nodes},
    validate,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any JSON, with the names and values that this crate looks for in it.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "nodes",
        "links",
        "id",
        "type",
        "mode",
        "inputs",
        "outputs",
        "widgets_values",
        "widget",
        "name",
        "link",
        "definitions",
        "subgraphs",
        "properties",
        "proxyWidgets",
        "linkIds",
        "origin_id",
        "origin_slot",
        "target_id",
        "target_slot",
        "class_type",
        "_meta",
        "title",
        "images",
        "image",
        "width",
        "seed",
        "mode.by",
        "__value__",
        "op",
        "path",
        "from",
        "value",
        "data",
        "prompt_id",
        "node",
        "max",
        "status",
        "required",
        "optional",
        "input",
        "options",
        "output",
        "key",
        "1",
        "2",
    ]);
    let texts = prop::sample::select(vec![
        "",
        "1",
        "2",
        "-10",
        "-20",
        "KSampler",
        "SaveImage",
        "ResizeImage",
        "Reroute",
        "GetNode",
        "SetNode",
        "PrimitiveNode",
        "IMAGE",
        "*",
        "INT",
        "COMFY_DYNAMICCOMBO_V3",
        "randomize",
        "size",
        "add",
        "copy",
        "/1/inputs",
        "{a|{b",
        "é\\",
        "/*",
        "11111111-1111-4111-8111-111111111111",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-30_i64..30).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 120, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_editor() -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(any_json(), 0..4);
    (list(), list(), list(), prop::sample::select(vec!["SaveImage", "KSampler", "Reroute"]))
        .prop_map(|(mut nodes, mut links, subgraphs, class)| {
            nodes.push(json!({"id": 1, "type": class, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}]}));
            nodes.push(json!({"id": 2, "type": "11111111-1111-4111-8111-111111111111"}));
            links.push(json!([1, 2, 0, 1, 0, "IMAGE"]));
            let mut subgraphs = subgraphs;
            subgraphs.push(json!({"id": "11111111-1111-4111-8111-111111111111",
                "nodes": nodes.clone(), "links": [], "inputs": [], "outputs": [{"linkIds": [1]}]}));
            json!({"nodes": nodes, "links": links, "definitions": {"subgraphs": subgraphs}})
        })
}

fn use_everything(value: &Value, info: &ObjectInfo) {
    if let Ok(workflow) = Workflow::read(value) {
        let _ = find_nodes(&workflow, "k", 5);
        let _ = differences(&workflow, &workflow, 5);
        if let Workflow::Editor(graph) = &workflow
            && let Ok(converted) = convert(graph, info, &mut |count| count)
        {
            let _ = validate(&converted.prompt, info);
        }
    }
    if let Value::Object(nodes) = value {
        let _ = validate(&Prompt::new(nodes.clone()), info);
    }
}

proptest! {
    #[test]
    fn workflows(value in prop_oneof![any_json(), any_editor()]) {
        let info = ObjectInfo::parse(include_bytes!("object_info.json")).unwrap();
        use_everything(&value, &info);
    }

    #[test]
    fn node_classes(value in any_json(), workflow in any_editor()) {
        let info = json!({"SaveImage": value, "KSampler": {"input": value, "output": ["LATENT"]}});
        let info = ObjectInfo::parse(info.to_string().as_bytes()).unwrap();
        use_everything(&workflow, &info);
    }

    #[test]
    fn patches(value in any_json(), patch in any_json()) {
        let _ = apply(&value, &patch);
        let _ = apply(&value, &json!([patch]));
    }

    #[test]
    fn frames(value in any_json(), bytes in prop::collection::vec(any::<u8>(), 0..40), kind in 0_u8..6) {
        let kinds = ["progress_state", "executed", "execution_error", "status", "executing"];
        for kind in kinds {
            let _ = Frame::parse_text(&json!({"type": kind, "data": value}).to_string());
        }
        let _ = Frame::parse_text(&value.to_string());
        let _ = Frame::parse_binary(Bytes::from(bytes.clone()));
        let _ = Frame::parse_binary(Bytes::from([&[0, 0, 0, kind][..], &bytes].concat()));
    }

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Workflow::parse(&bytes);
        let _ = ObjectInfo::parse(&bytes);
    }
}
