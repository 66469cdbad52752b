//! The documents of `docs/contracts/` against the types: every documented route is an operation,
//! every JSON example is one of our bodies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use contracts::chat::{ChatRequest, ConversationCreate, UserCreate};
use contracts::health::{CodexHealth, Health, InfraHealth};
use contracts::{Problem, openapi};
use serde_json::Value;

const CHAT: &str = include_str!("../../../docs/contracts/chat.md");
const RUNTIME: &str = include_str!("../../../docs/contracts/runtime.md");
const CODEX: &str = include_str!("../../../docs/contracts/codex.md");

/// The JSON examples of a document, in order. What stands for a value becomes one.
fn examples(document: &str) -> Vec<Value> {
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
fn members(document: &Value, schema: &Value) -> Vec<String> {
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

#[track_caller]
fn check_members(schema: &str, example: &Value) {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let schema = &document["components"]["schemas"][schema];
    let known = members(&document, schema);
    let example = example.as_array().map_or(example, |items| &items[0]);
    for name in example.as_object().expect("an object").keys() {
        assert!(known.contains(name), "{name} is not in {known:?}");
    }
}

#[test]
fn the_chat_documents_examples_are_ours() {
    let examples = examples(CHAT);
    assert_eq!(examples.len(), 11);
    serde_json::from_value::<UserCreate>(examples[0].clone()).unwrap();
    check_members("User", &examples[1]);
    check_members("Problem", &examples[2]);
    check_members("User", &examples[3]);
    check_members("Problem", &examples[4]);
    serde_json::from_value::<ConversationCreate>(examples[5].clone()).unwrap();
    check_members("Conversation", &examples[6]);
    check_members("Conversation", &examples[7]);
    check_members("ConversationWithMessages", &examples[8]);
    check_members("ChatMessage", &examples[8]["messages"]);
    check_members("Problem", &examples[9]);
    serde_json::from_value::<ChatRequest>(examples[10].clone()).unwrap();
}

#[test]
fn the_health_examples_are_ours() {
    let runtime = examples(RUNTIME);
    let infra = runtime
        .iter()
        .find(|example| example["services"].is_object())
        .unwrap();
    serde_json::from_value::<InfraHealth>(infra.clone()).unwrap();
    let health = runtime
        .iter()
        .find(|example| example["status"] == "ok")
        .unwrap();
    serde_json::from_value::<Health>(health.clone()).unwrap();
    let problem = runtime
        .iter()
        .find(|example| example["type"] == "about:blank")
        .unwrap();
    serde_json::from_value::<Problem>(problem.clone()).unwrap();
    let codex = CODEX.split("GET /api/health").nth(1).unwrap();
    let body = codex
        .split("Response:")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    serde_json::from_str::<CodexHealth>(body).unwrap();
}

#[test]
fn every_documented_route_of_what_is_built_is_an_operation() {
    let health = [
        "GET /api/v1/health",
        "GET /api/v1/infra/health",
        "GET /api/health",
    ];
    let documented = CHAT
        .split('`')
        .filter(|text| text.starts_with("GET /") || text.starts_with("POST /"))
        .map(|route| route.replacen(' ', " /api/v1", 1))
        .chain(health.map(str::to_owned));
    let ours: Vec<String> = openapi::operations()
        .map(|operation| {
            let method = format!("{:?}", operation.method).to_uppercase();
            format!("{method} {}", operation.path)
        })
        .collect();
    let mut count = 0;
    for route in documented {
        assert!(ours.contains(&route), "{route} is not in {ours:?}");
        count += 1;
    }
    assert_eq!(count, ours.len(), "what is ours is documented: {ours:?}");
}
