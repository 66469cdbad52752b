//! Every event of the domain in Codex's words.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use domain::{
    FileChange as Changed, StatusEvent, ToolCallEvent, ToolPhase,
    event::{
        DecidedEvent, ExecutionProgress, PatchBegun, PatchEnded, PlanEvent, PlanStepStatus,
        ReasoningEvent, RunStarted, TurnDiff, WarningEvent, WorkflowLocked, WorkflowUnlocked,
    },
};
use serde_json::json;

const RUN: Uuid = Uuid::from_u128(7);
const MESSAGE: Uuid = Uuid::from_u128(8);

#[track_caller]
#[allow(
    clippy::needless_pass_by_value,
    reason = "what is expected is written in place"
)]
fn check(event: &Event, expected: Value) {
    assert_eq!(serde_json::to_value(payload(event)).unwrap(), expected);
}

#[test]
fn turns() {
    let started = RunStarted { run_id: RUN };
    check(
        &Event::RunStarted(started),
        json!({ "type": "task_started", "turn_id": RUN, "model_context_window": null }),
    );
    let ended = |outcome, output: &str| {
        Event::RunEnded(RunEnded {
            run_id: RUN,
            outcome,
            reason: "step_limit".to_owned(),
            detail: "It took too many steps".to_owned(),
            output: output.to_owned(),
        })
    };
    check(
        &ended(RunOutcome::Succeeded, "Done."),
        json!({ "type": "task_complete", "turn_id": RUN, "last_agent_message": "Done." }),
    );
    check(
        &ended(RunOutcome::Succeeded, ""),
        json!({ "type": "task_complete", "turn_id": RUN, "last_agent_message": null }),
    );
    check(
        &ended(RunOutcome::Cancelled, ""),
        json!({ "type": "turn_aborted", "turn_id": RUN, "reason": "interrupted" }),
    );
    check(
        &ended(RunOutcome::Failed, ""),
        json!({
            "type": "error", "turn_id": RUN, "message": "It took too many steps",
            "code": "step_limit",
        }),
    );
    let count = |input, output| TokenCount { input, output };
    let usage = |input: u64, output: u64| {
        json!({
            "input_tokens": input, "cached_input_tokens": 0, "output_tokens": output,
            "reasoning_output_tokens": 0, "total_tokens": input + output,
        })
    };
    check(
        &Event::Usage(UsageEvent {
            last: count(10, 2),
            total: count(100, 20),
            window: Some(200_000),
        }),
        json!({
            "type": "token_count", "rate_limits": null,
            "info": {
                "total_token_usage": usage(100, 20), "last_token_usage": usage(10, 2),
                "model_context_window": 200_000,
            },
        }),
    );
}

#[test]
fn words() {
    let message = |sender, last| {
        Event::Message(MessageEvent {
            message_id: MESSAGE,
            sender,
            agent: (sender == Sender::Agent).then(|| "Alex".to_owned()),
            content: "你好\n".to_owned(),
            last,
            status: None,
        })
    };
    check(
        &message(Sender::User, true),
        json!({
            "type": "user_message", "message": "你好\n", "kind": "plain", "message_id": MESSAGE,
        }),
    );
    check(
        &message(Sender::Agent, false),
        json!({
            "type": "agent_message_delta", "delta": "你好\n", "message_id": MESSAGE,
            "agent": "Alex",
        }),
    );
    check(
        &message(Sender::Agent, true),
        json!({
            "type": "agent_message", "message": "你好\n", "message_id": MESSAGE, "agent": "Alex",
        }),
    );
    check(
        &message(Sender::System, true),
        json!({ "type": "background_event", "message": "你好\n" }),
    );
    check(
        &Event::Reasoning(ReasoningEvent {
            message_id: MESSAGE,
            content: "hm".to_owned(),
        }),
        json!({ "type": "agent_reasoning_delta", "delta": "hm", "message_id": MESSAGE }),
    );
    check(
        &Event::Warning(WarningEvent {
            code: "model_unknown".to_owned(),
            agent: None,
            text: "Another model answers".to_owned(),
        }),
        json!({ "type": "warning", "message": "Another model answers", "code": "model_unknown" }),
    );
    let status = |detail: Option<&str>| {
        Event::Status(StatusEvent {
            status: "planning".to_owned(),
            agent: Some("Mike".to_owned()),
            detail: detail.map(str::to_owned),
        })
    };
    check(
        &status(Some("Looks around")),
        json!({
            "type": "background_event", "message": "Looks around", "code": "planning",
            "agent": "Mike",
        }),
    );
    check(
        &status(None),
        json!({
            "type": "background_event", "message": "planning", "code": "planning",
            "agent": "Mike",
        }),
    );
    check(
        &Event::FileChange(Changed {
            path: "src/a.rs".to_owned(),
            kind: ChangeKind::Deleted,
        }),
        json!({
            "type": "background_event", "message": "src/a.rs was deleted", "path": "src/a.rs",
            "kind": "deleted",
        }),
    );
}

fn call(tool: &str, phase: ToolPhase, arguments: Value, result: Value) -> Event {
    let given = |value: Value| Some(value).filter(|value| !value.is_null());
    Event::ToolCall(ToolCallEvent {
        tool_call_id: "c1".to_owned(),
        agent: Some("Alex".to_owned()),
        tool: tool.to_owned(),
        phase,
        arguments: given(arguments),
        result: given(result),
    })
}

#[test]
fn commands() {
    let begin = |arguments: Value, command: Value, cwd: &str, cmd: &str| {
        check(
            &call("exec", ToolPhase::Started, arguments, Value::Null),
            json!({
                "type": "exec_command_begin", "call_id": "c1", "command": command, "cwd": cwd,
                "parsed_cmd": [{ "type": "unknown", "cmd": cmd }],
            }),
        );
    };
    let ls = json!({ "command": "ls -l" });
    begin(ls, json!(["sh", "-c", "ls -l"]), "/workspace", "ls -l");
    let below = json!({ "command": ["cargo", "test"], "cwd": "app" });
    begin(
        below,
        json!(["cargo", "test"]),
        "/workspace/app",
        "cargo test",
    );
    let elsewhere = json!({ "command": "x", "cwd": "/tmp" });
    begin(elsewhere, json!(["sh", "-c", "x"]), "/tmp", "x");
    begin(Value::Null, json!([]), "/workspace", "");
    check(
        &call(
            "shell",
            ToolPhase::Started,
            json!({ "command": ["ls"], "workdir": "/workspace/app" }),
            Value::Null,
        ),
        json!({
            "type": "exec_command_begin", "call_id": "c1", "command": ["ls"],
            "cwd": "/workspace/app", "parsed_cmd": [{ "type": "unknown", "cmd": "ls" }],
        }),
    );
    check(
        &call("exec", ToolPhase::Output, Value::Null, json!("hi\n")),
        json!({
            "type": "exec_command_output_delta", "call_id": "c1", "stream": "stdout",
            "chunk": "aGkK",
        }),
    );
    let end = |result: Value, [stdout, stderr, formatted]: [&str; 3], code: i64, millis: u64| {
        check(
            &call("exec", ToolPhase::Ended, Value::Null, result),
            json!({
                "type": "exec_command_end", "call_id": "c1", "stdout": stdout, "stderr": stderr,
                "aggregated_output": format!("{stdout}{stderr}"), "exit_code": code,
                "duration": { "secs": millis / 1000, "nanos": millis % 1000 * 1_000_000 },
                "formatted_output": formatted,
            }),
        );
    };
    let detail = json!({ "exit_code": 2, "duration_ms": 1_234 });
    let done = json!({ "status": "done", "output": "no\n[exit code 2]", "detail": detail });
    end(done, ["no\n", "", "no\n[exit code 2]"], 2, 1_234);
    let background =
        json!({ "status": "done", "output": "It runs", "detail": { "command_id": 3 } });
    end(background, ["It runs", "", "It runs"], 0, 0);
    let failed = json!({ "status": "failed", "output": "no sandbox", "detail": null });
    end(failed, ["", "no sandbox", "no sandbox"], -1, 0);
    end(json!("strange"), ["", "", ""], -1, 0);
}

#[test]
fn other_tools() {
    let arguments = json!({ "path": "a" });
    let invocation = |arguments: &Value| json!({ "server": "atelier", "tool": "read_file", "arguments": arguments });
    let file = |phase, arguments: &Value, result: Value| {
        call("read_file", phase, arguments.clone(), result)
    };
    check(
        &file(ToolPhase::Started, &arguments, Value::Null),
        json!({
            "type": "mcp_tool_call_begin", "call_id": "c1", "invocation": invocation(&arguments),
        }),
    );
    check(
        &file(ToolPhase::Output, &Value::Null, json!("half")),
        json!({ "type": "background_event", "message": "half", "call_id": "c1" }),
    );
    let ended = |result: Value| {
        json!({
            "type": "mcp_tool_call_end", "call_id": "c1", "invocation": invocation(&Value::Null),
            "duration": { "secs": 0, "nanos": 0 }, "result": result,
        })
    };
    check(
        &file(
            ToolPhase::Ended,
            &Value::Null,
            json!({ "status": "done", "output": "x" }),
        ),
        ended(json!({ "Ok": { "content": [{ "type": "text", "text": "x" }] } })),
    );
    check(
        &file(
            ToolPhase::Ended,
            &Value::Null,
            json!({ "status": "refused", "output": "y" }),
        ),
        ended(json!({ "Err": "y" })),
    );
    // Those that have events of their own.
    for tool in ["apply_patch", "update_plan", "web_search"] {
        check(
            &call(tool, ToolPhase::Started, json!({ "x": 1 }), Value::Null),
            json!({
                "type": "raw_response_item",
                "item": {
                    "type": "function_call", "name": tool, "arguments": "{\"x\":1}",
                    "call_id": "c1",
                },
            }),
        );
        check(
            &call(
                tool,
                ToolPhase::Ended,
                Value::Null,
                json!({ "status": "done", "output": "z" }),
            ),
            json!({
                "type": "raw_response_item",
                "item": { "type": "function_call_output", "call_id": "c1", "output": "z" },
            }),
        );
    }
}

fn edits() -> Vec<FileEdit> {
    let (add, delete) = ("new.txt".to_owned(), "old.txt".to_owned());
    vec![
        FileEdit::Add {
            path: add,
            content: "a\n".to_owned(),
        },
        FileEdit::Delete {
            path: delete,
            content: "b\n".to_owned(),
        },
        FileEdit::Update {
            path: "src/a.rs".to_owned(),
            unified_diff: "@@ -1 +1 @@\n-a\n+b\n".to_owned(),
            move_path: Some("src/b.rs".to_owned()),
        },
    ]
}

fn changes() -> Value {
    json!({
        "new.txt": { "type": "add", "content": "a\n" },
        "old.txt": { "type": "delete", "content": "b\n" },
        "src/a.rs": {
            "type": "update", "unified_diff": "@@ -1 +1 @@\n-a\n+b\n", "move_path": "src/b.rs",
        },
    })
}

#[test]
fn approvals() {
    let request = |subject| {
        Event::ApprovalRequested(ApprovalEvent {
            call_id: "c1".to_owned(),
            subject,
            reason: None,
        })
    };
    check(
        &request(ApprovalSubject::Command {
            command: vec!["rm".to_owned(), "x".to_owned()],
            cwd: "/workspace".to_owned(),
        }),
        json!({
            "type": "exec_approval_request", "call_id": "c1", "command": ["rm", "x"],
            "cwd": "/workspace", "reason": null,
            "parsed_cmd": [{ "type": "unknown", "cmd": "rm x" }],
        }),
    );
    check(
        &request(ApprovalSubject::Patch { changes: edits() }),
        json!({
            "type": "apply_patch_approval_request", "call_id": "c1", "changes": changes(),
            "reason": null, "grant_root": null,
        }),
    );
    for (decision, name) in [
        (Decision::Approved, "approved"),
        (Decision::ApprovedForSession, "approved_for_session"),
        (Decision::Denied, "denied"),
        (Decision::TimedOut, "timed_out"),
        (Decision::Withdrawn, "withdrawn"),
    ] {
        let event = Event::ApprovalDecided(DecidedEvent {
            call_id: "c1".to_owned(),
            decision,
        });
        let written = serde_json::to_value(payload(&event)).unwrap();
        assert_eq!(written.get("type"), Some(&json!("background_event")));
        assert_eq!(written.get("call_id"), Some(&json!("c1")));
        assert_eq!(written.get("decision"), Some(&json!(name)));
    }
}

#[test]
fn patches_and_plans() {
    let begun = PatchBegun {
        call_id: "c1".to_owned(),
        auto_approved: true,
        changes: edits(),
    };
    check(
        &Event::PatchBegun(begun),
        json!({
            "type": "patch_apply_begin", "call_id": "c1", "auto_approved": true,
            "changes": changes(),
        }),
    );
    for (success, stdout, stderr) in [(true, "A new.txt", ""), (false, "", "A new.txt")] {
        let ended = PatchEnded {
            call_id: "c1".to_owned(),
            success,
            output: "A new.txt".to_owned(),
        };
        check(
            &Event::PatchEnded(ended),
            json!({
                "type": "patch_apply_end", "call_id": "c1", "stdout": stdout, "stderr": stderr,
                "success": success,
            }),
        );
    }
    let diff = |truncated| {
        Event::TurnDiff(TurnDiff {
            unified_diff: "--- a/x\n".to_owned(),
            truncated,
        })
    };
    let mut shown = json!({ "type": "turn_diff", "unified_diff": "--- a/x\n" });
    check(&diff(false), shown.clone());
    shown["truncated"] = json!(true);
    check(&diff(true), shown);
    let plan = PlanEvent {
        explanation: None,
        plan: vec![PlanStep {
            step: "test".to_owned(),
            status: PlanStepStatus::InProgress,
        }],
    };
    check(
        &Event::Plan(plan),
        json!({
            "type": "plan_update", "explanation": null,
            "plan": [{ "step": "test", "status": "in_progress" }],
        }),
    );
    let search = |done| {
        Event::WebSearch(WebSearchEvent {
            call_id: "c1".to_owned(),
            query: "sorting".to_owned(),
            done,
        })
    };
    check(
        &search(false),
        json!({ "type": "web_search_begin", "call_id": "c1" }),
    );
    let found = json!({ "type": "web_search_end", "call_id": "c1", "query": "sorting" });
    check(&search(true), found);
    let undo = |phase| {
        Event::Undo(UndoEvent {
            phase,
            detail: Some("x".to_owned()),
        })
    };
    check(
        &undo(UndoPhase::Started),
        json!({ "type": "undo_started", "message": "x" }),
    );
    for (phase, success) in [(UndoPhase::Succeeded, true), (UndoPhase::Failed, false)] {
        let completed = json!({ "type": "undo_completed", "success": success, "message": "x" });
        check(&undo(phase), completed);
    }
}

/// What is another contract's has a number all the same.
#[test]
fn everything_is_something() {
    let others = [
        Event::WorkflowLocked(WorkflowLocked {
            workflow_id: 1,
            reason: "x".to_owned(),
        }),
        Event::WorkflowUnlocked(WorkflowUnlocked { workflow_id: 1 }),
        Event::ExecutionProgress(ExecutionProgress {
            workflow_id: 1,
            execution_id: Some(1),
            node: None,
            value: Some(0),
            max: Some(1),
            status: "queued".to_owned(),
        }),
    ];
    for event in others {
        let message = "Something happened to a workflow";
        check(
            &event,
            json!({ "type": "background_event", "message": message }),
        );
    }
}
