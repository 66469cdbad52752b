//! Coding sessions through the front door, in real sandboxes of both backends, over HTTP alone.

use model_stub::scripted::Script;
use serde_json::{Value, json};
use tests::{Person, Stack, eventually, stack::backends};

/// A sort function in the language that every sandbox has, and its test.
pub(crate) const SORT: &str = "*** Begin Patch\n*** Add File: sort.sh\n+sorted() {\n+    printf '%s\\n' \
    \"$@\" | sort -n\n+}\n*** Add File: test.sh\n+. ./sort.sh\n+test \"$(sorted 3 1 2 | tr -d \
    '\\n')\" = 123 && echo passed\n*** End Patch";

/// What waits for a decision, when something does.
async fn pending(ada: &Person, session: &str) -> Value {
    let line = format!("GET /api/sessions/{session}");
    eventually("something waits", async || {
        let shown = ada.done(&line, &Value::Null).await;
        let first = shown["pending_approvals"].get(0).cloned();
        first.filter(|_| shown["status"] == "waiting")
    })
    .await
}

#[tokio::test]
async fn a_sort_function_with_a_test_over_http() {
    for backend in backends() {
        let (stack, _mailbox, ada) = Stack::sandboxed(backend).await;
        let body = json!({ "cwd": "app", "model": "claude-3-sonnet" });
        let made = ada.done("POST /api/sessions", &body).await;
        let id = made["session_id"].as_str().unwrap().to_owned();
        let one = format!("/api/sessions/{id}");
        let model = stack.model();
        model.push(Script::call("shell", &json!({ "command": ["ls"] })));
        model.push(Script::call("apply_patch", &json!({ "patch": SORT })));
        model.push(Script::call("shell", &json!({ "command": "sh test.sh" })));
        model.push(Script::answer(&["It is sorted."]));
        let message = json!({ "type": "user_message", "content": "请帮我实现一个排序函数" });
        let taken = ada.done(&format!("POST {one}/submit"), &message).await;
        assert_eq!(taken["status"], "submitted");
        let patch = pending(&ada, &id).await;
        assert_eq!(patch["type"], "patch");
        assert_eq!(patch["changes"][0]["path"], "app/sort.sh");
        let applied = ada
            .done(&format!("POST {one}/apply_patch"), &Value::Null)
            .await;
        assert_eq!(applied["status"], "applied");
        let command = pending(&ada, &id).await;
        assert_eq!(command["type"], "exec", "{command}");
        let approval = json!({ "type": "approval", "id": command["id"], "decision": "approved" });
        ada.done(&format!("POST {one}/submit"), &approval).await;
        let messages = format!("GET /api/v1/sessions/{id}/messages");
        eventually("the turn has ended", async || {
            let stored = ada.done(&messages, &Value::Null).await;
            let last = stored.as_array().and_then(|all| all.last()).cloned();
            last.filter(|last| last["content"] == "It is sorted.")
        })
        .await;
        let told = model.requests().pop().unwrap().json["messages"].to_string();
        assert!(told.contains("passed"), "{told}");
        // All of it as a diff; and back.
        let diff = ada.done(&format!("GET {one}/diff"), &Value::Null).await;
        let diff = diff["unified_diff"].as_str().unwrap();
        assert!(
            diff.contains("+++ b/app/sort.sh") && diff.contains("+++ b/app/test.sh"),
            "{diff}"
        );
        eventually("the turn is over", async || {
            let shown = ada.done(&format!("GET {one}"), &Value::Null).await;
            (shown["status"] == "idle").then_some(())
        })
        .await;
        ada.done(&format!("POST {one}/undo"), &Value::Null).await;
        let read = format!("GET /api/v1/files/{id}?path=app/sort.sh");
        assert_eq!(ada.ask(&read, &Value::Null).await.status, 404);
        let deleted = ada.ask(&format!("DELETE {one}"), &Value::Null).await;
        assert_eq!(deleted.status, 204);
        stack.stop().await;
    }
}
