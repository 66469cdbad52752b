//! What is asked of the offline model, and what it answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use serde_json::json;

fn ask(request: &Value) -> Reply {
    reply(&Question::parse(request.to_string().as_bytes()).unwrap())
}

fn tools() -> Value {
    let tool = |name: &str, parameter: &str| {
        json!({"type": "function", "function": {
            "name": name, "description": "",
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        }})
    };
    json!([
        tool("exec", "command"),
        tool("write_file", "path"),
        tool("read_file", "path"),
        tool("list_files", "root"),
        tool("grep", "pattern"),
    ])
}

fn check_call(text: &str, name: &str, arguments: &Value) {
    let messages = json!([
        {"role": "system", "content": "Be helpful."},
        {"role": "user", "content": text},
    ]);
    let reply = ask(&json!({"messages": messages, "tools": tools()}));
    let Reply::Call(call) = reply else {
        panic!("{text}: {reply:?}");
    };
    assert_eq!((call.name, &call.arguments), (name, arguments), "{text}");
    assert_eq!(call.id, "call_offline_2");
}

#[test]
fn commands_call_the_offered_tools() {
    check_call("run: ls -la", "exec", &json!({"command": "ls -la"}));
    check_call(
        "Run:  cargo test\n",
        "exec",
        &json!({"command": "cargo test"}),
    );
    check_call("run: a\nb", "exec", &json!({"command": "a\nb"}));
    check_call(
        "write: notes/a.txt\nline one\n  line two\n",
        "write_file",
        &json!({"path": "notes/a.txt", "content": "line one\n  line two\n"}),
    );
    check_call(
        "write: empty",
        "write_file",
        &json!({"path": "empty", "content": ""}),
    );
    check_call("read: a.txt", "read_file", &json!({"path": "a.txt"}));
    check_call("list: .", "list_files", &json!({"root": "."}));
    check_call("search: x: y", "grep", &json!({"pattern": "x: y"}));
}

fn check_text(request: &Value, parts: &[&str]) {
    let reply = ask(request);
    let Reply::Text(text) = reply else {
        panic!("{request}: {reply:?}");
    };
    for part in parts {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
    assert_eq!(
        ask(request),
        Reply::Text(text),
        "the same question, the same answer"
    );
}

#[test]
fn everything_else_is_a_text() {
    let user = |text: &str| json!({"role": "user", "content": text});
    let honest = ["no language model", "SPIN_VARIABLE_LLM_BASE_URL"];
    check_text(&json!({"messages": [user("Hi there")]}), &honest);
    check_text(
        &json!({"messages": [user("Hi there")]}),
        &["2 words: Hi there"],
    );
    check_text(&json!({"messages": [user("")]}), &["0 words"]);
    check_text(
        &json!({"messages": [user("note: x")], "tools": tools()}),
        &["“run: ls -la”"],
    );
    check_text(
        &json!({"messages": [user("run: ls")]}),
        &["`exec` is not offered"],
    );
    check_text(
        &json!({"messages": [user("run: ls")], "tools": null}),
        &["`exec` is not offered"],
    );
    let parts = json!([{"type": "text", "text": "one "}, {"type": "image_url"}, {"text": "two"}]);
    check_text(
        &json!({"messages": [{"role": "user", "content": parts}]}),
        &["2 words: one two"],
    );
    check_text(
        &json!({"messages": [user(&"é".repeat(5_000))]}),
        &["left out"],
    );
}

#[test]
fn results_of_tools_are_reported() {
    let calls = json!([
        {"id": "a", "type": "function", "function": {"name": "exec", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": "read_file", "arguments": "{}"}},
    ]);
    let messages = json!([
        {"role": "user", "content": "run: ls"},
        {"role": "assistant", "content": null, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "src\ntarget"},
        {"role": "tool", "tool_call_id": "b", "content": "text"},
    ]);
    check_text(
        &json!({"messages": messages, "tools": tools()}),
        &[
            "`exec` answered:\n\nsrc\ntarget",
            "`read_file` answered:\n\ntext",
        ],
    );
}
