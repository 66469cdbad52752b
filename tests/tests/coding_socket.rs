//! Coding sessions driven by their event sockets alone, through the front door, in real sandboxes.

use crate::coding::SORT;
use model_stub::scripted::{Gate, Recorded, Script};
use serde_json::{Value, json};
use tests::{
    Chance, Events, Person, Stack,
    stack::{Choice, backends},
};

/// How often a client is cut off during a run.
const CUTS: u32 = 50;

/// Commands of the run meanwhile.
const COMMANDS: usize = 45;

async fn session(ada: &Person, profile: &str) -> String {
    let body = json!({ "cwd": "app", "config_profile": profile });
    let made = ada.done("POST /api/sessions", &body).await;
    made["session_id"].as_str().unwrap().to_owned()
}

fn message(content: &str) -> Value {
    json!({ "type": "user_message", "content": content, "metadata": {} })
}

fn decision(request: &Value, decision: &str) -> Value {
    json!({ "type": "approval", "id": request["call_id"], "decision": decision })
}

/// The types of events, without those whose number depends on how the model's answer was cut.
fn kinds(seen: &[Value]) -> Vec<&str> {
    let kinds = seen.iter().map(|frame| frame["payload"]["type"].as_str());
    let changing = ["agent_message_delta", "exec_command_output_delta"];
    kinds
        .map(Option::unwrap)
        .filter(|kind| !changing.contains(kind))
        .collect()
}

/// Tokens are counted for the whole session, whatever happens to its turns.
fn check_counts(seen: &[Value]) {
    let payloads = seen.iter().map(|frame| &frame["payload"]);
    let (mut input, mut output) = (0, 0);
    for count in payloads.filter(|payload| payload["type"] == "token_count") {
        let info = &count["info"];
        let (last, total) = (&info["last_token_usage"], &info["total_token_usage"]);
        input += last["input_tokens"].as_u64().unwrap();
        output += last["output_tokens"].as_u64().unwrap();
        assert_eq!(total["input_tokens"], input, "{count}");
        assert_eq!(total["output_tokens"], output, "{count}");
        assert_eq!(total["total_tokens"], input + output, "{count}");
        assert_eq!(info["model_context_window"], 128_000, "{count}");
    }
    assert!(input > 0 && output > 0, "{seen:#?}");
}

#[tokio::test]
async fn a_sort_function_with_a_test_over_the_socket() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let id = session(&ada, "default").await;
        let model = stack.model();
        model.push(Script::call("shell", &json!({ "command": ["ls"] })));
        model.push(Script::call("apply_patch", &json!({ "patch": SORT })));
        model.push(Script::call("shell", &json!({ "command": "sh test.sh" })));
        model.push(Script::answer(&["It is", " sorted."]));
        let mut events = Events::enter(&ada, &id, 0).await;
        let mut watching = Events::enter(&ada, &id, 0).await;

        let taken = events.submit(&message("请帮我实现一个排序函数")).await;
        assert_eq!(taken["payload"]["type"], "submitted", "{taken}");
        assert_eq!(taken["payload"]["status"], "submitted", "{taken}");
        let patch = events.find("apply_patch_approval_request").await;
        let added = &patch["changes"]["app/sort.sh"];
        assert_eq!(added["type"], "add", "{patch}");
        let approved = events.submit(&decision(&patch, "approved")).await;
        assert_eq!(approved["payload"]["type"], "submitted", "{approved}");
        let applied = events.find("patch_apply_end").await;
        assert_eq!(applied["success"], true, "{applied}");
        let begun = events.find("exec_command_begin").await;
        assert_eq!(begun["cwd"], "/workspace/app", "{begun}");
        let command = events.find("exec_approval_request").await;
        assert_eq!(
            (&command["command"][2], &command["cwd"]),
            (&json!("sh test.sh"), &json!("/workspace/app"))
        );
        events.submit(&decision(&command, "approved")).await;
        let ran = events.find("exec_command_end").await;
        assert_eq!(
            (&ran["exit_code"], &ran["stdout"]),
            (&json!(0), &json!("passed\n"))
        );
        let complete = events.find("task_complete").await;
        assert_eq!(complete["last_agent_message"], "It is sorted.");
        let beat = events.beat("h1").await;
        assert_eq!(beat["payload"]["newest_event_id"], events.last);

        // Whoever only watches sees the same, and no answers.
        watching.find("task_complete").await;
        assert_eq!(watching.seen, events.seen);
        assert_eq!(watching.besides, Vec::<Value>::new());
        let again = kinds(&events.seen);
        for kind in ["task_started", "user_message", "turn_diff", "token_count"] {
            assert!(again.contains(&kind), "{kind}: {again:?}");
        }
        let diff = events.seen.iter().rev().map(|frame| &frame["payload"]);
        let mut diff = diff.filter(|payload| payload["type"] == "turn_diff");
        let diff = diff.next().unwrap()["unified_diff"].as_str().unwrap();
        assert!(diff.contains("+++ b/app/test.sh"), "{diff}");
        check_counts(&events.seen);
        stack.stop().await;
    }
}

/// What is refused, what is interrupted, a patch of one's own, and the same submission again.
#[tokio::test]
async fn everything_that_can_be_submitted() {
    let (stack, _mailbox, ada) = Stack::sandboxed(Choice::Namespace).await;
    let id = session(&ada, "default").await;
    let model = stack.model();
    let mut events = Events::enter(&ada, &id, 0).await;

    model.push(Script::call("apply_patch", &json!({ "patch": SORT })));
    model.push(Script::answer(&["Then not."]));
    events.submit(&message("Sort")).await;
    let patch = events.find("apply_patch_approval_request").await;
    events.submit(&decision(&patch, "denied")).await;
    let complete = events.find("task_complete").await;
    assert_eq!(complete["last_agent_message"], "Then not.");
    let late = events.submit(&decision(&patch, "approved")).await;
    assert_eq!(
        (&late["type"], &late["payload"]["status"]),
        (&json!("error"), &json!(409))
    );

    let own = json!({ "type": "apply_patch", "patch": SORT });
    let applied = events.submit_as("mine", &own).await;
    assert_eq!(applied["payload"]["type"], "applied", "{applied}");
    assert_eq!(applied["payload"]["changes"][0]["path"], "app/sort.sh");
    let again = events.submit_as("mine", &own).await;
    assert_eq!(again, applied, "done once, answered the same");
    let other = events.submit_as("mine", &message("Mine?")).await;
    assert_eq!(
        (&other["type"], &other["payload"]["status"]),
        (&json!("error"), &json!(409))
    );
    let other = "*** Begin Patch\n*** Update File: sort.sh\n-nothing like it\n+x\n*** End Patch";
    let other = json!({ "type": "apply_patch", "patch": other });
    let misfit = events.submit(&other).await;
    assert_eq!(misfit["payload"]["status"], 409, "{misfit}");
    let malformed = json!({ "type": "apply_patch", "patch": "*** Begin" });
    let malformed = events.submit(&malformed).await;
    assert_eq!(malformed["payload"]["error"], "InvalidRequest");

    let gate = Gate::new();
    let held = Script::new().token("Well").hold(&gate).token(", no");
    model.push(held.finish("stop").done());
    model.push(Script::answer(&["Next."]));
    events.submit(&message("Think")).await;
    events.find("agent_message_delta").await;
    let queued = events.submit(&message("And then this")).await;
    assert_eq!(queued["payload"]["status"], "submitted", "{queued}");
    events.submit(&json!({ "type": "interrupt" })).await;
    let aborted = events.find("turn_aborted").await;
    assert_eq!(aborted["reason"], "interrupted");
    let complete = events.find("task_complete").await;
    assert_eq!(complete["last_agent_message"], "Next.");
    check_counts(&events.seen);
    stack.stop().await;
}

/// Commands one after the other, as a model asks for them; the last waits to be let go.
fn next_command(asked: &Recorded) -> Script {
    let messages = asked.json["messages"].as_array().unwrap();
    let done = messages.iter().filter(|one| one["role"] == "tool").count();
    let command = match done {
        done if done < COMMANDS => format!("echo command {done}"),
        COMMANDS => "until [ -e go ]; do sleep 0.05; done".to_owned(),
        _ => return Script::answer(&["All", " done."]),
    };
    Script::new()
        .token(&format!("Command {done}"))
        .token(" follows.")
        .and_calls(&[("shell", json!({ "command": command }))])
}

#[tokio::test]
async fn fifty_cuts_during_a_run() {
    let mut chance = Chance::new();
    let (stack, _mailbox, ada) = Stack::sandboxed(Choice::Namespace).await;
    stack.model().answer_with(next_command);
    let id = session(&ada, "auto").await;
    let mut events = Events::enter(&ada, &id, 0).await;
    events.submit(&message("Many commands")).await;
    let mut union = Vec::new();
    for _ in 0..CUTS {
        for _ in 0..chance.below(8) {
            events.event().await;
        }
        // Nobody says goodbye, and what was on its way is lost.
        let after = events.last;
        union.append(&mut events.seen);
        drop(events);
        events = Events::enter(&ada, &id, after).await;
    }
    let ended = |frame: &Value| frame["payload"]["type"] == "task_complete";
    assert!(!union.iter().any(ended), "the run was cut while it went on");
    ada.exec(&id, "touch /workspace/app/go").await;
    events.find("task_complete").await;
    union.append(&mut events.seen);
    let numbers = union.iter().map(|frame| frame["id"].as_u64().unwrap());
    assert!(numbers.eq(1..=events.last));
    assert!(events.last > 4 * COMMANDS as u64, "{}", events.last);
    let mut whole = Events::enter(&ada, &id, 0).await;
    whole.find("task_complete").await;
    assert_eq!(whole.seen, union, "cut or not, it is the same");
    check_counts(&union);
    stack.stop().await;
}
