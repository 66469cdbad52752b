//! AG-UI's rules of order, for every list of events that a test sees.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How events name what they are about.
struct Names {
    message: &'static str,
    call: &'static str,
    parent: &'static str,
    output: &'static str,
}

/// An answer of `POST /agent-chats`: its events keep the rules, and `output` is the last message.
pub fn check_chat(chat: &Value) {
    let names = Names {
        message: "message_id",
        call: "tool_call_id",
        parent: "message_id",
        output: "output",
    };
    let events = chat["events"].as_array().unwrap();
    check(events, &names);
    let last = events.last().unwrap();
    let output = last["output"].as_str().unwrap_or_default();
    assert_eq!(chat["output"], output);
}

/// The events of a stream, in AG-UI's own words.
pub fn check_stream(events: &[Value]) {
    let names = Names {
        message: "messageId",
        call: "toolCallId",
        parent: "parentMessageId",
        output: "result",
    };
    check(events, &names);
}

/// Checks the order, and that the output of a run that finished is its last message.
fn check(events: &[Value], names: &Names) {
    let mut order = Order::default();
    for (place, event) in events.iter().enumerate() {
        let kind = event["type"].as_str().unwrap();
        let is_last = place + 1 == events.len();
        assert_eq!(kind == "RUN_STARTED", place == 0, "{events:#?}");
        let ends = matches!(kind, "RUN_FINISHED" | "RUN_ERROR");
        assert_eq!(ends, is_last, "{events:#?}");
        order.take(kind, event, names);
    }
    assert!(order.messages.is_empty(), "{events:#?}");
    assert!(order.calls.is_empty(), "{events:#?}");
    assert!(order.without_result.is_empty(), "{events:#?}");
    if let Some(last) = events.last().filter(|last| last["type"] == "RUN_FINISHED") {
        assert_eq!(last[names.output], order.last);
    }
}

#[derive(Default)]
struct Order {
    /// Messages under way, with what was said of them.
    messages: BTreeMap<String, String>,
    /// Calls under way.
    calls: BTreeSet<String>,
    without_result: BTreeSet<String>,
    known: BTreeSet<String>,
    /// The last message that ended.
    last: String,
}

impl Order {
    fn take(&mut self, kind: &str, event: &Value, names: &Names) {
        let id = |name: &str| event[name].as_str().expect(name).to_owned();
        match kind {
            "TEXT_MESSAGE_START" => {
                let id = id(names.message);
                assert!(self.known.insert(id.clone()), "{event} began twice");
                self.messages.insert(id, String::new());
            }
            "TEXT_MESSAGE_CONTENT" => {
                let said = self.messages.get_mut(&id(names.message));
                let delta = event["delta"].as_str().unwrap();
                assert!(!delta.is_empty(), "{event}");
                said.expect("begun").push_str(delta);
            }
            "TEXT_MESSAGE_END" => {
                self.last = self.messages.remove(&id(names.message)).expect("begun");
            }
            "TOOL_CALL_START" => {
                assert!(event[names.parent].is_string(), "{event}");
                let id = id(names.call);
                assert!(self.known.insert(id.clone()), "{event} began twice");
                self.without_result.insert(id.clone());
                self.calls.insert(id);
            }
            "TOOL_CALL_ARGS" => {
                assert!(self.calls.contains(&id(names.call)), "{event}");
                assert_ne!(event["delta"], "");
            }
            "TOOL_CALL_END" => assert!(self.calls.remove(&id(names.call)), "{event}"),
            "TOOL_CALL_RESULT" => {
                assert!(!self.calls.contains(&id(names.call)), "{event}");
                assert!(self.without_result.remove(&id(names.call)), "{event}");
            }
            "RUN_STARTED" | "RUN_FINISHED" | "RUN_ERROR" => {}
            other => panic!("{other}"),
        }
    }
}
