//! Reading the documents.

use contracts::openapi;
use serde_json::Value;

pub(crate) const CHAT: &str = include_str!("../../../../docs/contracts/chat.md");
pub(crate) const RUNTIME: &str = include_str!("../../../../docs/contracts/runtime.md");
pub(crate) const CODEX: &str = include_str!("../../../../docs/contracts/codex.md");
pub(crate) const STUDIO: &str = include_str!("../../../../docs/contracts/studio.md");
pub(crate) const WORKSPACE: &str = include_str!("../../../../docs/contracts/workspace.md");

/// The JSON examples of a document, in order. What stands for a value becomes one.
pub(crate) fn examples(document: &str) -> Vec<Value> {
    document
        .split("```json")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .map(|text| {
            let text = text
                .replace(": integer", ": 1")
                .replace("\"healthy\" | \"unhealthy\"", "\"healthy\"")
                .lines()
                .filter(|line| !line.trim().starts_with("..."))
                .collect::<Vec<_>>()
                .join("\n");
            let text = without_stray_commas(&text);
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
        })
        .collect()
}

/// Without the commas that leaving out `...` left before a closing bracket.
fn without_stray_commas(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if matches!(character, ']' | '}') {
            let kept = out.trim_end().trim_end_matches(',').len();
            out.truncate(kept);
        }
        out.push(character);
    }
    out
}

/// The names of a schema's members, those of what it extends included.
pub(crate) fn members(document: &Value, schema: &Value) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document
            .pointer(reference.trim_start_matches('#'))
            .expect("a schema");
        return members(document, target);
    }
    let mut names: Vec<String> = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().cloned())
        .collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        names.extend(members(document, part));
    }
    names
}

/// Every member of an example is one of the schema's.
#[track_caller]
pub(crate) fn check_members(schema: &str, example: &Value) {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let schema = &document["components"]["schemas"][schema];
    let known = members(&document, schema);
    let example = example.as_array().map_or(example, |items| &items[0]);
    for name in example.as_object().expect("an object").keys() {
        assert!(known.contains(name), "{name} is not in {known:?}");
    }
}
