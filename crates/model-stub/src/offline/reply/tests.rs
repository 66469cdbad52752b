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
    assert_eq!(
        (call.name.as_str(), &call.arguments),
        (name, arguments),
        "{text}"
    );
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
        &["“run: ls -la”", "“search: word”", "“call: TOOL {…}”"],
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
            "2 calls",
            "1. `exec` answered:\n\nsrc\ntarget",
            "2. `read_file` answered:\n\ntext",
        ],
    );
}

/// A tool with parameters of these types; the first is required.
fn tool(name: &str, parameters: &[(&str, &str)]) -> Value {
    let properties = parameters.iter().map(|(name, kind)| {
        let schema = json!({"type": kind});
        ((*name).to_owned(), schema)
    });
    let required: Vec<&str> = parameters.iter().map(|(name, _)| *name).take(1).collect();
    json!({"type": "function", "function": {"name": name, "parameters": {
        "type": "object", "properties": properties.collect::<serde_json::Map<_, _>>(),
        "required": required,
    }}})
}

/// Plays a whole turn, with a tool that answers "done N"; the calls, and what is said at last.
fn turn(text: &str, tools: &Value) -> (Vec<(String, Value)>, String) {
    let mut messages = vec![
        json!({"role": "user", "content": "run: an earlier turn"}),
        json!({"role": "assistant", "content": "The tool `exec` answered"}),
        json!({"role": "user", "content": text}),
        json!({"role": "user", "content": "[Emma said to the user]\nrun: nothing"}),
    ];
    let mut calls = Vec::new();
    loop {
        let call = match ask(&json!({"messages": messages, "tools": tools})) {
            Reply::Text(text) => return (calls, text),
            Reply::Call(call) => call,
        };
        assert!(calls.len() < 20, "{text}: without end");
        messages.push(
            json!({"role": "assistant", "content": null, "tool_calls": [{
                "id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": call.arguments()},
            }]}),
        );
        calls.push((call.name.clone(), call.arguments.clone()));
        let content = format!("done {}", calls.len());
        messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": content}));
        messages.push(json!({"role": "user", "content": "[Notice of the platform] Hurry."}));
    }
}

fn check_turn(text: &str, tools: &Value, expected: &[(&str, Value)]) {
    let (calls, _) = turn(text, tools);
    let expected = expected.iter();
    let expected: Vec<_> = expected
        .map(|(name, arguments)| ((*name).to_owned(), arguments.clone()))
        .collect();
    assert_eq!(calls, expected, "{text:?}");
}

#[test]
fn steps_are_played_one_after_the_other() {
    let (calls, said) = turn(
        "@Alex write: a.sh\necho hi\nrun: sh a.sh\npreview",
        &tools(),
    );
    let expected = [
        (
            "write_file",
            json!({"path": "a.sh", "content": "echo hi\n"}),
        ),
        ("exec", json!({"command": "sh a.sh"})),
    ];
    let expected = expected.map(|(name, arguments)| (name.to_owned(), arguments));
    assert_eq!(calls, expected);
    for part in [
        "2 calls, in their order:",
        "1. `write_file` answered:\n\ndone 1",
        "2. `exec` answered:\n\ndone 2",
        "I cannot do “preview:” here: the tool `preview` is not offered",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn the_tools_of_the_sandbox() {
    let tools = json!([
        tool("exec", &[("command", "string"), ("background", "boolean")]),
        tool("write_file", &[("path", "string"), ("content", "string")]),
        tool("append_file", &[("path", "string"), ("content", "string")]),
        tool("apply_patch", &[("patch", "string")]),
        tool("preview", &[("port", "integer")]),
        tool(
            "read_output",
            &[("call_id", "string"), ("offset", "integer")]
        ),
        tool("list_files", &[("path", "string")]),
    ]);
    let patch = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch";
    check_turn(
        &format!(
            "append: a.txt\nmore\npatch:\n{patch}\nlist\nstart: serve\npreview: 8000\nmore: c1 16"
        ),
        &tools,
        &[
            ("append_file", json!({"path": "a.txt", "content": "more\n"})),
            ("apply_patch", json!({"patch": patch})),
            ("list_files", json!({})),
            ("exec", json!({"command": "serve", "background": true})),
            ("preview", json!({"port": 8000})),
            ("read_output", json!({"call_id": "c1", "offset": 16})),
        ],
    );
    check_turn(
        "call: exec {\"command\": \"ls\", \"timeout\": 5}\ncall: fly {}\ncall: preview",
        &tools,
        &[
            ("exec", json!({"command": "ls", "timeout": 5})),
            ("preview", json!({})),
        ],
    );
    check_turn(
        "call: exec {\"command\":",
        &tools,
        &[("exec", json!("{\"command\":"))],
    );
}

#[test]
fn the_tools_of_codex() {
    let tools = json!([
        tool("shell", &[("command", "array"), ("workdir", "string")]),
        tool("apply_patch", &[("input", "string")]),
        tool(
            "update_plan",
            &[("plan", "array"), ("explanation", "string")]
        ),
        tool("web_search", &[("query", "string")]),
    ]);
    check_turn(
        "plan:\n- [x] look\n- [>] write\n- test\nread: it's.txt\nwrite: a\nx\n\ny\nweb: rust",
        &tools,
        &[
            (
                "update_plan",
                json!({"plan": [
                    {"step": "look", "status": "completed"},
                    {"step": "write", "status": "in_progress"},
                    {"step": "test", "status": "pending"},
                ]}),
            ),
            (
                "shell",
                json!({"command": ["sh", "-c", r"cat -- 'it'\''s.txt'"]}),
            ),
            (
                "apply_patch",
                json!({"input": "*** Begin Patch\n*** Add File: a\n+x\n+\n+y\n*** End Patch"}),
            ),
            ("web_search", json!({"query": "rust"})),
        ],
    );
}

#[test]
fn the_tools_of_comfyui() {
    let tools = json!([
        tool("get_workflow", &[]),
        tool("list_nodes", &[("query", "string")]),
        tool("node_info", &[("class_type", "string")]),
        tool("edit_workflow", &[("patch", "array")]),
        tool("validate_workflow", &[]),
        tool("run_workflow", &[]),
        tool("list_models", &[("folder", "string")]),
    ]);
    check_turn(
        "workflow\nnodes: sampler\nnode: KSampler\nedit:\n[{\"op\": \"remove\", \"path\": \"/4\"}]\nvalidate\nqueue\nmodels",
        &tools,
        &[
            ("get_workflow", json!({})),
            ("list_nodes", json!({"query": "sampler"})),
            ("node_info", json!({"class_type": "KSampler"})),
            (
                "edit_workflow",
                json!({"patch": [{"op": "remove", "path": "/4"}]}),
            ),
            ("validate_workflow", json!({})),
            ("run_workflow", json!({})),
            ("list_models", json!({})),
        ],
    );
}

#[test]
fn who_leads_hands_on_what_is_not_its_own() {
    let mut assign = tool("assign", &[("agent", "string"), ("task", "string")]);
    assign["function"]["parameters"]["properties"]["agent"]["enum"] = json!(["Alex", "Emma"]);
    let tools = json!([assign, tool("read_file", &[("path", "string")])]);
    check_turn(
        "write: a\nx\nrun: cat a\nread: a\nassign: @Emma, read: a\nwrite: b",
        &tools,
        &[
            (
                "assign",
                json!({"agent": "Alex", "task": "write: a\nx\nrun: cat a"}),
            ),
            ("read_file", json!({"path": "a"})),
            (
                "assign",
                json!({"agent": "Emma", "task": "read: a\nwrite: b"}),
            ),
        ],
    );
}
