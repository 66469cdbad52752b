//! What the server would object to, in its words; compared with a real one when it was written.
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests: they say what they expect by panicking"
)]

use comfyui::{Kind, ObjectInfo, Prompt, Refusal, Validation, limits, validate, validate_outputs};
use serde_json::{Value, json};

fn info() -> ObjectInfo {
    ObjectInfo::parse(include_bytes!("object_info.json")).unwrap()
}

fn run(prompt: &Value) -> Result<Validation, Box<Refusal>> {
    validate(&Prompt::new(prompt.as_object().unwrap().clone()), &info())
}

/// A prompt that is in order.
fn good() -> Value {
    json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "upscale_method": "area",
            "width": 4, "height": 4, "crop": "disabled"}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    })
}

#[test]
fn what_is_in_order_runs() {
    let validation = run(&good()).unwrap();
    assert_eq!(validation.outputs, ["3"]);
    assert!(validation.node_errors.is_empty());
}

/// One input of the good prompt is another value: what is said of it.
#[test]
fn problems_of_inputs() {
    let check = |node: &str, input: &str, value: Value, kind: &str, details: &str| {
        let mut prompt = good();
        match &value {
            Value::Null => prompt[node]["inputs"]
                .as_object_mut()
                .unwrap()
                .remove(input),
            value => Some(std::mem::replace(
                &mut prompt[node]["inputs"][input],
                value.clone(),
            )),
        };
        let refusal = run(&prompt).unwrap_err();
        assert_eq!(refusal.error.kind, "prompt_outputs_failed_validation");
        let problems = &refusal.node_errors.0;
        assert_eq!(
            problems.keys().collect::<Vec<_>>(),
            [node],
            "{input} {value}"
        );
        let problem = &problems[node];
        assert_eq!(problem.dependent_outputs, ["3"]);
        let [error] = problem.errors.as_slice() else {
            panic!("{input} {value}: {:?}", problem.errors)
        };
        assert_eq!(
            (error.kind.as_str(), error.details.as_str()),
            (kind, details)
        );
    };
    let fine = |node: &str, input: &str, value: Value| {
        let mut prompt = good();
        prompt[node]["inputs"][input] = value.clone();
        assert!(run(&prompt).is_ok(), "{input} {value}");
    };
    check("1", "width", Value::Null, "required_input_missing", "width");
    check(
        "3",
        "images",
        Value::Null,
        "required_input_missing",
        "images",
    );
    check("1", "width", json!(0), "value_smaller_than_min", "width");
    check("1", "width", json!(16385), "value_bigger_than_max", "width");
    check("1", "width", json!("0"), "value_smaller_than_min", "width");
    check(
        "1",
        "width",
        json!("wide"),
        "invalid_input_type",
        "width, wide, invalid literal for int() with base 10: 'wide'",
    );
    check(
        "1",
        "width",
        json!({"a": 1}),
        "invalid_input_type",
        "width, {'a': 1}, int() argument must be a string, a bytes-like object or a real number, not 'dict'",
    );
    check(
        "2",
        "crop",
        json!("left"),
        "value_not_in_list",
        "crop: 'left' not in ['disabled', 'center']",
    );
    check("2", "image", json!(["1"]), "bad_linked_input", "image");
    check(
        "2",
        "image",
        json!(["1", 0, 0]),
        "bad_linked_input",
        "image",
    );
    check(
        "2",
        "image",
        json!(["9", 0]),
        "exception_during_inner_validation",
        "'9'",
    );
    check(
        "3",
        "images",
        json!(["9", 0]),
        "exception_during_validation",
        "'9'",
    );
    check(
        "3",
        "images",
        json!(["2", 1]),
        "exception_during_validation",
        "tuple index out of range",
    );
    fine("1", "width", json!("12"));
    fine("1", "width", json!(12.9));
    fine("1", "width", json!(true));
    fine("3", "filename_prefix", json!(7));
    fine("3", "not_an_input", json!({"a": []}));
}

/// Whole prompts: what is said of which nodes.
#[test]
fn problems_of_prompts() {
    let check = |prompt: Value, error: &str, nodes: &[(&str, &str)]| {
        let refusal = run(&prompt).unwrap_err();
        assert_eq!(refusal.error.kind, error, "{prompt}");
        let found: Vec<_> = refusal
            .node_errors
            .0
            .iter()
            .flat_map(|(id, node)| {
                node.errors
                    .iter()
                    .map(move |e| (id.as_str(), e.kind.as_str()))
            })
            .collect();
        assert_eq!(found, nodes, "{prompt}");
    };
    check(json!({}), "prompt_no_outputs", &[]);
    check(
        json!({"1": {"class_type": "Gone", "inputs": {}}}),
        "missing_node_type",
        &[],
    );
    check(json!({"1": {"inputs": {}}}), "missing_node_type", &[]);
    check(json!({"1": 5}), "missing_node_type", &[]);
    check(
        json!({"1": {"class_type": "EmptyImage", "inputs": {}}}),
        "prompt_no_outputs",
        &[],
    );
    check(
        json!({"1": {"class_type": "SaveImage"}}),
        "prompt_outputs_failed_validation",
        &[("1", "exception_during_validation")],
    );
    // A latent is no picture, and what is behind the wrong link is not looked at.
    check(
        json!({
            "1": {"class_type": "EmptyLatentImage", "inputs": {}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": ""}},
        }),
        "prompt_outputs_failed_validation",
        &[("2", "return_type_mismatch")],
    );
    check(
        json!({
            "1": {"class_type": "ImageBatch", "inputs": {"image1": ["2", 0], "image2": ["2", 0]}},
            "2": {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["2", 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": ""}},
        }),
        "prompt_outputs_failed_validation",
        &[("1", "dependency_cycle"), ("2", "dependency_cycle")],
    );
    // The choice of a dynamic combo brings inputs of its own.
    let resize = |mode: Value| {
        let mut inputs = json!({"image": ["1", 0], "method": "area"});
        inputs
            .as_object_mut()
            .unwrap()
            .extend(mode.as_object().unwrap().clone());
        json!({
            "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
            "2": {"class_type": "ResizeImage", "inputs": inputs},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": ""}},
        })
    };
    let failed = "prompt_outputs_failed_validation";
    assert!(run(&resize(json!({"mode": "factor", "mode.by": 2}))).is_ok());
    check(
        resize(json!({"mode": "factor"})),
        failed,
        &[("2", "required_input_missing")],
    );
    check(
        resize(json!({"mode": "size", "mode.width": 0, "mode.height": 1})),
        failed,
        &[("2", "value_smaller_than_min")],
    );
    check(
        resize(json!({"mode": "?"})),
        failed,
        &[("2", "value_not_in_list")],
    );
}

#[test]
fn a_good_output_beside_a_bad_one_runs() {
    let mut prompt = good();
    prompt["4"] = json!({"class_type": "SaveImage", "inputs": {"images": ["2", 0]}});
    let validation = run(&prompt).unwrap();
    assert_eq!(validation.outputs, ["3"]);
    assert_eq!(
        validation.node_errors.lines(),
        ["node 4 (SaveImage): Required input is missing: filename_prefix"]
    );
    let only = ["4".to_owned()];
    let prompt = Prompt::new(prompt.as_object().unwrap().clone());
    assert!(validate_outputs(&prompt, &info(), Some(&only)).is_err());
}

#[test]
fn files_that_were_uploaded() {
    let check = |file: &str, fine: bool| {
        let prompt = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": file}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        });
        assert_eq!(run(&prompt).is_ok(), fine, "{file}");
    };
    check("example.png", true);
    check("gone.png", false);
    check("folder/perhaps.png", true);
    check("ComfyUI_00001_.png [output]", true);
}

#[test]
fn lists_come_wrapped_and_several_values_are_looked_at() {
    let prompt = |sizes: Value| {
        json!({
            "1": {"class_type": "OddWidgets", "inputs": {"text": "", "strength": 1, "mode": "free",
                "points": {}, "sizes": sizes, "image": ["2", 0]}},
            "2": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        })
    };
    assert!(run(&prompt(json!({"__value__": ["a", "c"]}))).is_ok());
    let refusal = run(&prompt(json!({"__value__": ["a", "z"]}))).unwrap_err();
    assert_eq!(
        refusal.lines(),
        ["node 1 (OddWidgets): Value not in list: sizes: 'z' not in ['a', 'b', 'c']"]
    );
}

/// A chain as long as a prompt may be: nothing here may recurse.
#[test]
fn long_chains() {
    let mut prompt = good();
    for id in 10..9_000 {
        let before = if id == 10 { 2 } else { id - 1 };
        prompt[id.to_string()] = json!({"class_type": "ImageBatch",
            "inputs": {"image1": [before.to_string(), 0], "image2": [before.to_string(), 0]}});
    }
    prompt["3"]["inputs"]["images"] = json!(["8999", 0]);
    assert!(run(&prompt).is_ok());
    // And as a circle.
    prompt["10"]["inputs"]["image1"] = json!(["8999", 0]);
    assert!(run(&prompt).is_err());
}

/// What is said of a circle is bounded, however long it is and however many of them there are.
#[test]
fn long_circles() {
    let mut prompt = good();
    for id in 10..9_000 {
        // On to the next one, and back by half the way.
        let next = if id == 8_999 { 2 } else { id + 1 };
        let back = if id < 4_500 { 2 } else { id - 4_490 };
        prompt[id.to_string()] = json!({"class_type": "ImageBatch",
            "inputs": {"image1": [next.to_string(), 0], "image2": [back.to_string(), 0]}});
    }
    prompt["3"]["inputs"]["images"] = json!(["10", 0]);
    let refusal = run(&prompt).unwrap_err();
    assert_eq!(refusal.node_errors.0.len(), limits::PROBLEMS);
    for node in refusal.node_errors.0.values() {
        let [problem] = node.errors.as_slice() else {
            panic!("{:?}", node.errors)
        };
        assert_eq!(problem.kind, "dependency_cycle");
        assert!(problem.details.chars().count() <= limits::DETAIL);
        let named = problem.extra_info["cycle_nodes"].as_array().unwrap();
        assert_eq!(named.len(), limits::NAMED_NODES);
    }
}

/// As many outputs as a prompt may have, and all of them fail: what is said must not be their
/// square.
#[test]
fn many_outputs_that_fail() {
    let mut prompt = json!({"1": {"class_type": "EmptyImage", "inputs": {}}});
    for id in 10..9_000 {
        prompt[id.to_string()] = json!({"class_type": "SaveImage", "inputs": {"images": ["1", 0]}});
    }
    let refusal = run(&prompt).unwrap_err();
    let nodes = &refusal.node_errors.0;
    let problems: usize = nodes.values().map(|node| node.errors.len()).sum();
    assert_eq!(problems, limits::PROBLEMS);
    assert_eq!(nodes["1"].dependent_outputs.len(), limits::NAMED_NODES);
    let most = nodes
        .values()
        .map(|node| node.dependent_outputs.len())
        .max();
    assert_eq!(most, Some(limits::NAMED_NODES));
    // All of them failed, also those of which nothing is said.
    assert_eq!(refusal.error.kind, "prompt_outputs_failed_validation");
}

/// Lists of models and long values are not in problems: each would have them once more.
#[test]
fn problems_do_not_repeat_what_is_long() {
    let models: Vec<String> = (0..5_000).map(|number| format!("{number}.ckpt")).collect();
    let info = json!({
        "Loader": {"output": ["MODEL"], "output_node": true, "input": {"required": {
            "old": [models, {"tooltip": "which"}],
            "new": ["COMBO", {"options": models, "tooltip": "which"}],
            "few": ["COMBO", {"options": ["a", "b"]}],
            "count": ["INT", {"min": 1, "tooltip": "how many"}],
        }}},
    });
    let info = ObjectInfo::parse(info.to_string().as_bytes()).unwrap();
    // The lists are there once.
    for name in ["old", "new"] {
        let spec = &info.class("Loader").unwrap().input(name).unwrap().spec;
        assert_eq!(spec.type_name(), "COMBO");
        assert!(!spec.options.contains_key("options"), "{name}");
        let Kind::Combo(values) = &spec.kind else {
            panic!("{:?}", spec.kind)
        };
        assert_eq!(values.len(), 5_000);
    }
    let check = |name: &str, value: Value, config: Value| {
        let mut inputs = json!({"old": "1.ckpt", "new": "1.ckpt", "few": "a", "count": 1});
        inputs[name] = value;
        let prompt = json!({"1": {"class_type": "Loader", "inputs": inputs}});
        let prompt = Prompt::new(prompt.as_object().unwrap().clone());
        let refusal = validate(&prompt, &info).unwrap_err();
        let [problem] = refusal.node_errors.0["1"].errors.as_slice() else {
            panic!("{refusal:?}")
        };
        assert_eq!(problem.extra_info["input_config"], config, "{name}");
        let length = serde_json::to_string(&refusal).unwrap().len();
        assert!(length < 10_000, "{name}: {length}");
    };
    let few = json!(["COMBO", {"options": ["a", "b"]}]);
    let count = json!(["INT", {"min": 1, "tooltip": "how many"}]);
    check("old", json!("none"), json!(null));
    check("new", json!("none"), json!(null));
    check("few", json!("none"), few.clone());
    check("old", json!(["1", 0]), json!(null));
    check("new", json!(["1", 0]), json!(null));
    check("few", json!(["1", 0, 0]), few.clone());
    check("few", json!("x".repeat(100_000)), few);
    check("count", json!("x".repeat(100_000)), count.clone());
    check("count", json!(vec!["1"; 10_000]), count);
}
