//! What a session's room sends ("WebSocket Stream", "事件说明"), on a socket or as server-sent
//! events: `{type, event_id, session_id, timestamp, …}`.

use crate::to_json;
use domain::{ChangeKind, Event, MessageStatus, Sender, Timestamp, ToolPhase};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use uuid::Uuid;

/// Where a frame stands in a session's history.
#[derive(Clone, Copy, Debug)]
pub struct Place<D> {
    /// The event's number, which the client names to go on after it.
    pub event_id: D,
    /// The session.
    pub session_id: Uuid,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// Why a client does not get the events after the one that it named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryLoss {
    /// They are not kept any more.
    TooOld,
    /// What it named is no event of the history that is kept.
    Unknown,
    /// Whoever told them does not tell the rest; they may be kept all the same.
    CutOff,
}

/// The frame of an event, as JSON.
#[must_use]
pub fn frame<D: Display>(place: &Place<D>, event: &Event) -> String {
    let (kind, body) = match event {
        Event::Message(message) => (
            "message",
            Body::Message {
                message_id: message.message_id,
                sender: message.sender,
                agent: message.agent.as_deref(),
                content: &message.content,
                last: message.last,
                status: message.status.map(MessageStatus::as_str),
            },
        ),
        Event::Status(status) => (
            "status",
            Body::Status {
                status: &status.status,
                agent: status.agent.as_deref(),
                detail: status.detail.as_deref(),
            },
        ),
        Event::ToolCall(call) => (
            "tool_call",
            Body::ToolCall {
                tool_call_id: &call.tool_call_id,
                agent: call.agent.as_deref(),
                tool: &call.tool,
                phase: call.phase,
                arguments: call.arguments.as_ref(),
                result: call.result.as_ref(),
            },
        ),
        Event::FileChange(change) => (
            "file_change",
            Body::FileChange {
                path: &change.path,
                kind: change.kind,
            },
        ),
        Event::Warning(warning) => (
            "status",
            Body::Status {
                status: &warning.code,
                agent: warning.agent.as_deref(),
                detail: Some(&warning.text),
            },
        ),
        // The document has no frame for it: it goes out in our own words.
        other => return as_it_is(place, other),
    };
    write(kind, place, body)
}

/// The frame that says that events are missing before the next frame. Its `event_id` is the
/// number before that of the next one.
#[must_use]
pub fn history_lost<D: Display>(place: &Place<D>, loss: HistoryLoss) -> String {
    let (reason, detail) = match loss {
        HistoryLoss::TooOld => (
            "too_old",
            "Events after the one that was named are not kept any more. Read the messages again.",
        ),
        HistoryLoss::Unknown => (
            "unknown",
            "The event that was named is not part of the kept history. Read the messages again.",
        ),
        HistoryLoss::CutOff => (
            "cut_off",
            "Events after this one are missing here. The session's own stream goes on after it.",
        ),
    };
    write("history_lost", place, Body::HistoryLost { reason, detail })
}

fn as_it_is<D: Display>(place: &Place<D>, event: &Event) -> String {
    to_json(&Undocumented {
        event,
        event_id: place.event_id.to_string(),
        session_id: place.session_id.to_string(),
        timestamp: place.timestamp,
    })
}

fn write<D: Display>(kind: &'static str, place: &Place<D>, body: Body<'_>) -> String {
    to_json(&Frame {
        kind,
        event_id: place.event_id.to_string(),
        session_id: place.session_id.to_string(),
        timestamp: place.timestamp,
        body,
    })
}

#[derive(Debug, Serialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    event_id: String,
    session_id: String,
    timestamp: Timestamp,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Debug, Serialize)]
struct Undocumented<'a> {
    #[serde(flatten)]
    event: &'a Event,
    event_id: String,
    session_id: String,
    timestamp: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Message {
        message_id: Uuid,
        sender: Sender,
        agent: Option<&'a str>,
        content: &'a str,
        #[serde(rename = "final")]
        last: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
    Status {
        status: &'a str,
        agent: Option<&'a str>,
        detail: Option<&'a str>,
    },
    ToolCall {
        tool_call_id: &'a str,
        agent: Option<&'a str>,
        tool: &'a str,
        phase: ToolPhase,
        #[serde(skip_serializing_if = "Option::is_none")]
        arguments: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a Value>,
    },
    FileChange {
        path: &'a str,
        kind: ChangeKind,
    },
    HistoryLost {
        reason: &'static str,
        detail: &'static str,
    },
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use domain::{FileChange, MessageEvent, StatusEvent, ToolCallEvent};
    use serde_json::json;

    const SESSION: Uuid = Uuid::from_u128(7);

    fn place() -> Place<&'static str> {
        Place {
            event_id: "12:3",
            session_id: SESSION,
            timestamp: Timestamp(1_642_694_400_123),
        }
    }

    /// `body` with the members that every frame has.
    fn whole(kind: &str, mut body: Value) -> Value {
        body["type"] = json!(kind);
        body["event_id"] = json!("12:3");
        body["session_id"] = json!(SESSION);
        body["timestamp"] = json!("2022-01-20T16:00:00.123Z");
        body
    }

    #[test]
    fn every_kind_of_event() {
        let check = |event: Event, kind: &str, body: Value| {
            let written: Value = serde_json::from_str(&frame(&place(), &event)).unwrap();
            assert_eq!(written, whole(kind, body));
        };
        for status in [None, Some(MessageStatus::Interrupted)] {
            let mut body = json!({
                "message_id": Uuid::from_u128(8), "sender": "agent", "agent": "Mike",
                "content": "你好\n\"", "final": status.is_some(),
            });
            if status.is_some() {
                body["status"] = json!("interrupted");
            }
            let event = Event::Message(MessageEvent {
                message_id: Uuid::from_u128(8),
                sender: Sender::Agent,
                agent: Some("Mike".to_owned()),
                content: "你好\n\"".to_owned(),
                last: status.is_some(),
                status,
            });
            check(event, "message", body);
        }
        check(
            Event::Status(StatusEvent {
                status: "planning".to_owned(),
                agent: None,
                detail: Some("…".to_owned()),
            }),
            "status",
            json!({ "status": "planning", "agent": null, "detail": "…" }),
        );
        let call = |phase, arguments: Option<Value>, result: Option<Value>| {
            Event::ToolCall(ToolCallEvent {
                tool_call_id: "c1".to_owned(),
                agent: Some("Alex".to_owned()),
                tool: "exec".to_owned(),
                phase,
                arguments,
                result,
            })
        };
        check(
            call(ToolPhase::Started, Some(json!({ "command": "ls" })), None),
            "tool_call",
            json!({
                "tool_call_id": "c1", "agent": "Alex", "tool": "exec", "phase": "started",
                "arguments": { "command": "ls" },
            }),
        );
        check(
            call(ToolPhase::Ended, None, Some(json!({ "exit_code": 0 }))),
            "tool_call",
            json!({
                "tool_call_id": "c1", "agent": "Alex", "tool": "exec", "phase": "ended",
                "result": { "exit_code": 0 },
            }),
        );
        check(
            Event::FileChange(FileChange {
                path: "src/main.rs".to_owned(),
                kind: ChangeKind::Created,
            }),
            "file_change",
            json!({ "path": "src/main.rs", "kind": "created" }),
        );
    }

    #[test]
    fn a_loss_is_said() {
        for (loss, reason) in [
            (HistoryLoss::TooOld, "too_old"),
            (HistoryLoss::Unknown, "unknown"),
            (HistoryLoss::CutOff, "cut_off"),
        ] {
            let written = history_lost(&place(), loss);
            let mut written: Value = serde_json::from_str(&written).unwrap();
            assert!(written["detail"].take().is_string(), "{written}");
            let body = json!({ "reason": reason, "detail": null });
            assert_eq!(written, whole("history_lost", body));
        }
    }

    #[test]
    fn a_frame_is_one_line() {
        let event = Event::Status(StatusEvent {
            status: "a\nb\r\u{2028}".to_owned(),
            agent: None,
            detail: None,
        });
        let written = frame(&place(), &event);
        assert!(!written.contains(['\n', '\r']));
    }
}
