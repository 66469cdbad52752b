//! Workflows in editor format, each beside the prompt that is expected of it.
//!
//! With `UPDATE_EXPECTED=1` the expected prompts are written anew, to be looked at.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: they say what they expect by panicking"
)]

use comfyui::{
    Control, ConvertError, Converted, ObjectInfo, Seed, Workflow, convert, draw_seeds, limits,
    validate,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn info() -> ObjectInfo {
    ObjectInfo::parse(include_bytes!("object_info.json")).unwrap()
}

fn try_convert(workflow: &Value) -> Result<Converted, ConvertError> {
    match Workflow::read(workflow).unwrap() {
        Workflow::Editor(graph) => convert(&graph, &info(), &mut |_| 0),
        Workflow::Api(_) => panic!("not in editor format"),
    }
}

#[track_caller]
fn check(name: &str) -> Converted {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversion");
    let read = |path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let converted = try_convert(&read(folder.join(format!("{name}.editor.json")))).unwrap();
    let found = serde_json::to_value(&converted.prompt).unwrap();
    let expected = folder.join(format!("{name}.api.json"));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&expected, format!("{found:#}\n")).unwrap();
    }
    let expected = read(expected);
    for (id, node) in expected.as_object().unwrap() {
        assert_eq!(found.get(id), Some(node), "{name}, node {id}");
    }
    assert_eq!(found, expected, "{name}");
    // What was made reads as API format.
    assert!(matches!(Workflow::read(&found), Ok(Workflow::Api(_))));
    converted
}

#[test]
fn text_to_image_and_nodes_that_do_not_matter() {
    let converted = check("text_to_image");
    let validation = validate(&converted.prompt, &info()).unwrap();
    assert_eq!(validation.outputs, ["9"]);
    assert!(validation.node_errors.is_empty());
    let [seed] = converted.seeds.as_slice() else {
        panic!("{:?}", converted.seeds)
    };
    assert_eq!(
        (seed.node.as_str(), seed.input.as_str(), seed.control),
        ("3", "seed", Control::Randomize)
    );
    let [left_out] = converted.left_out.as_slice() else {
        panic!("{:?}", converted.left_out)
    };
    assert_eq!(left_out.to_string(), "node 23 (Gone (extension))");
}

#[test]
fn muted_and_bypassed_nodes() {
    check("muted_and_bypassed");
}

#[test]
fn reroutes_primitives_get_and_set_nodes() {
    check("reroutes_primitives_get_set");
}

/// The editor copies a primitive's value over those that it feeds before each run: how they were
/// to change does not count.
#[test]
fn the_control_of_a_primitive_counts() {
    let check = |primitive: Value, own: &str, expected: Option<Control>| {
        let nodes = [
            node(1, "EmptyImage", &json!({}), &json!([8, 8, 1, 0])),
            node(
                2,
                "OldSampler",
                &json!({"image": 1, "noise_seed": 3}),
                &json!([30, 7, own, "disable"]),
            ),
            node(3, "SaveImage", &json!({"images": 2}), &json!(["x"])),
            node(4, "PrimitiveNode", &json!({}), &primitive),
        ];
        let links = json!([
            [1, 1, 0, 2, 0, "IMAGE"],
            [2, 2, 0, 3, 0, "IMAGE"],
            [3, 4, 0, 2, 1, "INT"],
        ]);
        let converted = try_convert(&json!({"nodes": nodes, "links": links})).unwrap();
        let sampler = converted.prompt.node("2").unwrap();
        assert_eq!(
            sampler.inputs().unwrap().get("noise_seed"),
            Some(&json!(99))
        );
        let seeds: Vec<_> = expected
            .into_iter()
            .map(|control| Seed {
                node: "2".to_owned(),
                input: "noise_seed".to_owned(),
                control,
                primitive: Some("4".to_owned()),
            })
            .collect();
        assert_eq!(converted.seeds, seeds, "{primitive} on {own}");
    };
    check(json!([99, "fixed"]), "randomize", Some(Control::Fixed));
    check(json!([99, "randomize"]), "fixed", Some(Control::Randomize));
    check(json!([99]), "randomize", None);
}

#[test]
fn seeds_are_drawn_as_their_inputs_take_them() {
    let nodes = [
        node(1, "EmptyImage", &json!({"width": 4}), &json!([8, 8, 1, 0])),
        node(
            2,
            "OldSampler",
            &json!({"image": 1, "noise_seed": 5}),
            &json!([30, 7, "fixed", "disable"]),
        ),
        node(
            3,
            "PickModel",
            &json!({}),
            &json!(["m1", "randomize", "", 0.25]),
        ),
        node(4, "Show", &json!({"image": 2, "number": 3}), &json!([])),
        node(5, "PrimitiveNode", &json!({}), &json!([99, "randomize"])),
    ];
    let links = json!([
        [1, 1, 0, 2, 0, "IMAGE"],
        [2, 2, 0, 4, 0, "IMAGE"],
        [3, 3, 0, 4, 1, "INT"],
        [4, 5, 0, 1, 0, "INT"],
        [5, 5, 0, 2, 1, "INT"],
    ]);
    let converted = try_convert(&json!({"nodes": nodes, "links": links})).unwrap();
    let check = |mut below: fn(u64) -> u64, number: i64, model: &str| {
        let (seeds, info) = (&converted.seeds, info());
        let drawn = draw_seeds(seeds, &converted.prompt, &info, &mut below);
        let mut drawn: Vec<_> = drawn
            .iter()
            .map(|(seed, value)| (seed.node.as_str(), seed.input.as_str(), value.clone()))
            .collect();
        drawn.sort_by_key(|(node, ..)| *node);
        // The primitive's is one that both take.
        let expected = [
            ("1", "width", json!(number)),
            ("2", "noise_seed", json!(number)),
            ("3", "model", json!(model)),
        ];
        assert_eq!(drawn, expected);
    };
    check(|_| 0, 1, "m1");
    check(|count| count - 1, 16_383, "m2");

    let workflow = include_str!("conversion/text_to_image.editor.json");
    let converted = try_convert(&serde_json::from_str(workflow).unwrap()).unwrap();
    let (seeds, info) = (&converted.seeds, info());
    let drawn = draw_seeds(seeds, &converted.prompt, &info, &mut |count| count - 1);
    let values: Vec<_> = drawn.iter().map(|(_, value)| value.as_u64()).collect();
    // What the editor can count to, however large the input's numbers may be.
    assert_eq!(values, [Some((1 << 50) - 1)]);
}

#[test]
fn widgets_of_every_kind() {
    let converted = check("widgets");
    let seeds: Vec<_> = converted
        .seeds
        .iter()
        .map(|seed| (seed.node.as_str(), seed.input.as_str()))
        .collect();
    // Not that of node 16, which a link feeds.
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [("1", "noise_seed"), ("10", "model"), ("17", "value")]
    );
}

#[test]
fn subgraphs_nested_bypassed_and_with_values_of_their_own() {
    check("subgraphs");
}

fn node(id: u32, class: &str, links: &Value, widgets: &Value) -> Value {
    let inputs: Vec<Value> = links
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, link)| json!({"name": name, "type": "*", "link": link}))
        .collect();
    json!({"id": id, "type": class, "inputs": inputs, "widgets_values": widgets,
        "outputs": [{"name": "IMAGE", "type": "IMAGE"}]})
}

#[test]
fn what_cannot_be_converted_names_the_node() {
    let check = |nodes: Value, links: Value, expected: &str| {
        let workflow = json!({"nodes": nodes, "links": links});
        let error = try_convert(&workflow).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let save = || node(2, "SaveImage", &json!({"images": 1}), &json!(["x"]));
    let one = || json!([[1, 1, 0, 2, 0, "IMAGE"]]);
    let gone = node(1, "Gone", &json!({}), &json!([1]));
    check(
        json!([gone, save()]),
        one(),
        "the service does not have node 1 (Gone)",
    );
    check(
        json!([gone]),
        json!([]),
        "no active node saves or shows a result; the service does not have node 1 (Gone)",
    );
    check(
        json!([node(1, "EmptyImage", &json!({}), &json!([]))]),
        json!([]),
        "no active node saves or shows a result",
    );
    check(
        json!([node(1, "workflow>mine", &json!({}), &json!([])), save()]),
        one(),
        "node 1 (workflow>mine) is a group node of an old version; convert it to a subgraph in the editor",
    );
    let id = "44444444-4444-4444-8444-444444444444";
    check(
        json!([node(1, id, &json!({}), &json!([])), save()]),
        one(),
        &format!("node 1 ({id}) is a subgraph whose definition is missing"),
    );
    check(
        json!([node(1, "Reroute", &json!({"": 2}), &json!([])), save()]),
        json!([[1, 1, 0, 2, 0, "*"], [2, 1, 0, 1, 0, "*"]]),
        "the links behind node 2 (SaveImage) lead in a circle",
    );
    check(
        json!([node(1, "GetNode", &json!({}), &json!(["nowhere"])), save()]),
        one(),
        "node 1 (GetNode) gets \"nowhere\", which no node sets",
    );
    check(
        json!([
            node(1, "EmptyImage", &json!({}), &json!(["wide", 1, 1, 1])),
            save()
        ]),
        one(),
        "node 1 (EmptyImage): its saved values do not fit the service's version of the node (width would be \"wide\")",
    );
    check(
        json!([
            node(1, "ResizeImage", &json!({}), &json!(["gone", 5, "area"])),
            save()
        ]),
        one(),
        "node 1 (ResizeImage): its saved values do not fit the service's version of the node (mode would be \"gone\")",
    );
}

/// Subgraphs that each hold ten instances of the next one, or themselves.
#[test]
fn subgraphs_that_explode_are_refused() {
    let bomb = |levels: usize, last: usize| {
        let id = |level: usize| format!("00000000-0000-4000-8000-{level:012}");
        let subgraphs: Vec<Value> = (0..levels)
            .map(|level| {
                let next = if level + 1 < levels { level + 1 } else { last };
                let nodes: Vec<Value> = (0..10)
                    .map(|node| json!({"id": node, "type": id(next)}))
                    .collect();
                json!({"id": id(level), "nodes": nodes, "links": [], "inputs": [], "outputs": []})
            })
            .collect();
        try_convert(&json!({
            "nodes": [{"id": 1, "type": id(0)}],
            "links": [],
            "definitions": {"subgraphs": subgraphs},
        }))
        .unwrap_err()
    };
    assert!(matches!(bomb(9, 99), ConvertError::TooMany { .. }));
    assert!(matches!(bomb(1, 0), ConvertError::TooMany { .. }));
    let deep: Vec<Value> = (0..40)
        .map(|level| {
            let id = |level: usize| format!("00000000-0000-4000-8000-{level:012}");
            json!({"id": id(level), "nodes": [{"id": 1, "type": id(level + 1)}], "links": []})
        })
        .collect();
    let error = try_convert(&json!({
        "nodes": [{"id": 1, "type": "00000000-0000-4000-8000-000000000000"}],
        "links": [],
        "definitions": {"subgraphs": deep},
    }));
    assert!(matches!(error, Err(ConvertError::TooDeep(_))), "{error:?}");
}

/// What stands in a subgraph once is in the prompt once for each instance of it.
#[test]
fn what_instances_repeat_has_a_limit() {
    let subgraph = "00000000-0000-4000-8000-000000000000";
    let instances = |ids: &[String], inner: Value| {
        let nodes: Vec<Value> = ids
            .iter()
            .map(|id| json!({"id": id, "type": subgraph}))
            .collect();
        try_convert(&json!({
            "nodes": nodes,
            "links": [],
            "definitions": {"subgraphs": [{"id": subgraph, "nodes": [inner], "links": []}]},
        }))
    };
    let many: Vec<String> = (0..1_000).map(|id| id.to_string()).collect();
    let save = |prefix: &str| node(1, "SaveImage", &json!({}), &json!([prefix]));
    assert_eq!(
        instances(&many, save("x")).unwrap().prompt.len(),
        many.len()
    );
    let error = instances(&many, save(&"x".repeat(100_000))).unwrap_err();
    assert_eq!(error, ConvertError::TooHeavy);
    let mut full = save("x");
    full["widgets_values"] = json!(vec![0; 1_000]);
    let error = instances(&many, full).unwrap_err();
    assert!(
        matches!(error, ConvertError::TooMany { limit, .. } if limit == limits::VALUES),
        "{error}"
    );
    let long = ["9".repeat(limits::NODE_ID - 2)];
    assert!(instances(&long, save("x")).is_ok());
    let longer = ["9".repeat(limits::NODE_ID - 1)];
    let error = instances(&longer, save("x")).unwrap_err();
    assert!(matches!(error, ConvertError::LongIds(_)), "{error}");
    // A long class is named in short.
    let class = format!("Gone {}", "x".repeat(10_000));
    let mut gone = node(1, &class, &json!({}), &json!([]));
    gone["title"] = json!("y".repeat(10_000));
    let error = instances(&many, gone).unwrap_err();
    assert!(error.to_string().len() < 10_000, "{error}");
}

#[test]
fn formats_are_told_apart() {
    let check = |workflow: Value, expected: &str| {
        let error = Workflow::read(&workflow).unwrap_err();
        assert_eq!(error.to_string(), expected, "{workflow}");
    };
    let neither = "this is neither ComfyUI's API format nor its editor format";
    check(json!([1]), &format!("{neither}: it is not a JSON object"));
    check(json!({}), "the workflow has no nodes");
    check(
        json!({"nodes": [], "links": []}),
        "the workflow has no nodes",
    );
    check(
        json!({"nodes": {}}),
        &format!("{neither}: its `nodes` is not a list"),
    );
    check(
        json!({"a": {"b": 1}}),
        &format!("{neither}: no node has a `class_type`"),
    );
    check(
        json!({"1": {"class_type": "A"}, "2": 3}),
        &format!("{neither}: a node is not a JSON object"),
    );
    check(
        json!({"prompt": {"1": {"class_type": "A"}}}),
        &format!(
            "{neither}: it looks like the body of a request; give what stands in its `prompt`"
        ),
    );
    check(
        json!({"nodes": [{"type": "A"}], "links": []}),
        "the workflow is broken: a node without id",
    );
    check(
        json!({"nodes": [{"id": 1}], "links": [[1, 2]]}),
        "the workflow is broken: a link that names no node and slot",
    );
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let error = Workflow::parse(deep.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the workflow's JSON has over 64 levels");
    let error = Workflow::parse(b"{").unwrap_err().to_string();
    assert!(
        error.starts_with("the workflow is not JSON: EOF"),
        "{error}"
    );
}
