//! Section 9 of the `studio` document, "WebSocket 接口": what `/ws/chat` sends and takes.
//!
//! Every frame of an event carries its number as `eventId`, besides what is documented.

use crate::{Contract, status_of, workspace::chat::CONTENT_MAX_CHARS};
use domain::{
    Event, MessageEvent, Sender, Timestamp,
    event::{MessageRow, OfSession, RunEnded, RunOutcome, fault_of},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Display;

/// The largest frame of a client, in bytes: a message of the most characters, each of them escaped
/// as `\\uXXXX\\uXXXX`, and the rest.
pub const FRAME_MAX_BYTES: usize = CONTENT_MAX_CHARS * 12 + 1024;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientFrame {
    /// `SEND_MESSAGE`.
    pub r#type: String,
    /// Which session.
    #[serde(default)]
    pub session_id: Option<i64>,
    /// What to say.
    #[serde(default)]
    pub content: Option<String>,
}

/// The frame of an event, as JSON; most events of a turn have none.
#[must_use]
pub fn frame<D: Display>(event_id: D, event: &Event) -> Option<String> {
    let mut frame = match event {
        Event::WorkflowLocked(locked) => json!({
            "type": "WORKFLOW_LOCKED", "workflowId": locked.workflow_id, "reason": locked.reason,
        }),
        Event::WorkflowUnlocked(unlocked) => json!({
            "type": "WORKFLOW_UNLOCKED", "workflowId": unlocked.workflow_id,
        }),
        Event::OfSession(of) => of_session(of)?,
        _ => return None,
    };
    number(&mut frame, event_id);
    Some(frame.to_string())
}

/// The frame that says what went wrong: `code` is that of HTTP.
#[must_use]
pub fn error(session: Option<i64>, code: u16, message: &str) -> Value {
    let mut frame = json!({ "type": "ERROR", "code": code, "message": message });
    if let (Value::Object(members), Some(session)) = (&mut frame, session) {
        members.insert("sessionId".to_owned(), session.into());
    }
    frame
}

/// The frame that says that events are missing before the next frame.
#[must_use]
pub fn history_lost<D: Display>(event_id: D) -> String {
    let message = "Events after the one that was named are not kept. Read the messages again";
    let mut frame = error(None, 410, message);
    number(&mut frame, event_id);
    frame.to_string()
}

fn of_session(of: &OfSession) -> Option<Value> {
    let session = of.session_id;
    Some(match &*of.event {
        Event::Message(message) => of_message(session, message, of.message.as_ref()?),
        Event::ExecutionProgress(progress) => json!({
            "type": "EXECUTION_PROGRESS", "sessionId": session,
            "workflowId": progress.workflow_id, "executionId": progress.execution_id,
            "node": progress.node, "value": progress.value, "max": progress.max,
            "status": progress.status,
        }),
        Event::RunEnded(ended) => of_end(of, ended)?,
        _ => return None,
    })
}

/// The end of a turn. That one went well its last message says, which is never missing then.
fn of_end(of: &OfSession, ended: &RunEnded) -> Option<Value> {
    let session = of.session_id;
    match ended.outcome {
        RunOutcome::Succeeded => None,
        RunOutcome::Failed => {
            let code = status_of(fault_of(&ended.reason), Contract::Studio);
            Some(error(Some(session), code, &ended.detail))
        }
        // It may have said nothing: the turn is an execution, which has a word for this.
        RunOutcome::Cancelled => Some(json!({
            "type": "EXECUTION_PROGRESS", "sessionId": session,
            "workflowId": of.turn.and_then(|turn| turn.workflow_id),
            "executionId": of.turn.and_then(|turn| turn.execution_id),
            "node": null, "value": null, "max": null, "status": "CANCELLED",
        })),
    }
}

fn of_message(session: i64, message: &MessageEvent, row: &MessageRow) -> Value {
    match message.last {
        false => json!({
            "type": "MESSAGE_DELTA", "sessionId": session, "messageId": row.id,
            "delta": message.content,
        }),
        true => json!({
            "type": "MESSAGE_RECEIVED", "sessionId": session,
            "message": {
                "id": row.id,
                "role": match message.sender {
                    Sender::User => "user",
                    Sender::Agent | Sender::System => "assistant",
                },
                "content": message.content,
                "createdAt": Timestamp(row.created_at),
                "status": row.status,
            },
        }),
    }
}

fn number<D: Display>(frame: &mut Value, event_id: D) {
    if let Value::Object(members) = frame {
        members.insert("eventId".to_owned(), event_id.to_string().into());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use domain::event::{ExecutionProgress, TurnRow, WorkflowLocked, WorkflowUnlocked};
    use uuid::Uuid;

    fn check(event: &Event, expected: Option<Value>) {
        let written = frame("7:3", event).map(|text| serde_json::from_str::<Value>(&text).unwrap());
        let expected = expected.map(|mut expected| {
            expected["eventId"] = json!("7:3");
            expected
        });
        assert_eq!(written, expected);
    }

    fn of_session_5(event: Event) -> Event {
        Event::OfSession(OfSession {
            session_id: 5,
            message: matches!(event, Event::Message(_)).then(|| MessageRow {
                id: 12,
                created_at: 1_642_694_400_123,
                status: "complete".to_owned(),
            }),
            turn: matches!(event, Event::RunEnded(_)).then_some(TurnRow {
                execution_id: Some(30),
                workflow_id: Some(9),
            }),
            event: Box::new(event),
        })
    }

    fn message(sender: Sender, last: bool) -> Event {
        Event::Message(MessageEvent {
            message_id: Uuid::from_u128(1),
            sender,
            agent: None,
            content: "好\n".to_owned(),
            last,
            status: None,
        })
    }

    #[test]
    fn messages() {
        let received = |role: &str| {
            json!({"type": "MESSAGE_RECEIVED", "sessionId": 5, "message": {
                "id": 12, "role": role, "content": "好\n",
                "createdAt": "2022-01-20T16:00:00.123Z", "status": "complete",
            }})
        };
        let user = of_session_5(message(Sender::User, true));
        check(&user, Some(received("user")));
        let agent = of_session_5(message(Sender::Agent, true));
        check(&agent, Some(received("assistant")));
        let delta =
            json!({"type": "MESSAGE_DELTA", "sessionId": 5, "messageId": 12, "delta": "好\n"});
        check(&of_session_5(message(Sender::Agent, false)), Some(delta));
        // In a room of several sessions nobody would know whose it is.
        check(&message(Sender::Agent, true), None);
    }

    #[test]
    fn workflows() {
        let locked = WorkflowLocked {
            workflow_id: 9,
            reason: "Agent editing".to_owned(),
        };
        check(
            &Event::WorkflowLocked(locked),
            Some(json!({"type": "WORKFLOW_LOCKED", "workflowId": 9, "reason": "Agent editing"})),
        );
        check(
            &Event::WorkflowUnlocked(WorkflowUnlocked { workflow_id: 9 }),
            Some(json!({"type": "WORKFLOW_UNLOCKED", "workflowId": 9})),
        );
        let progress = ExecutionProgress {
            workflow_id: 9,
            execution_id: Some(30),
            node: Some("3".to_owned()),
            value: Some(4),
            max: Some(20),
            status: "RUNNING".to_owned(),
        };
        check(
            &of_session_5(Event::ExecutionProgress(progress)),
            Some(json!({
                "type": "EXECUTION_PROGRESS", "sessionId": 5, "workflowId": 9,
                "executionId": 30, "node": "3", "value": 4, "max": 20, "status": "RUNNING",
            })),
        );
    }

    #[test]
    fn ends_of_turns() {
        let ended = |outcome, reason: &str| {
            of_session_5(Event::RunEnded(RunEnded {
                run_id: Uuid::from_u128(2),
                outcome,
                reason: reason.to_owned(),
                detail: "No answer.".to_owned(),
                output: String::new(),
            }))
        };
        let error = |code: u16| json!({"type": "ERROR", "sessionId": 5, "code": code, "message": "No answer."});
        for (reason, code) in [
            ("model_failed", 502),
            ("rate_limited", 429),
            ("time_limit", 504),
            ("step_limit", 503),
            ("no_agent", 503),
        ] {
            check(&ended(RunOutcome::Failed, reason), Some(error(code)));
        }
        check(&ended(RunOutcome::Succeeded, "completed"), None);
        let stopped = |workflow: Option<i64>, execution: Option<i64>| {
            json!({
                "type": "EXECUTION_PROGRESS", "sessionId": 5, "workflowId": workflow,
                "executionId": execution, "node": null, "value": null, "max": null,
                "status": "CANCELLED",
            })
        };
        let mut cancelled = ended(RunOutcome::Cancelled, "interrupted");
        check(&cancelled, Some(stopped(Some(9), Some(30))));
        if let Event::OfSession(of) = &mut cancelled {
            of.turn = None;
        }
        check(&cancelled, Some(stopped(None, None)));
    }

    #[test]
    fn what_clients_send() {
        let text = r#"{"type":"SEND_MESSAGE","sessionId":1,"content":"hi","more":[]}"#;
        let frame: ClientFrame = serde_json::from_str(text).unwrap();
        assert_eq!(frame.session_id, Some(1));
        assert!(serde_json::from_str::<ClientFrame>("[]").is_err());
    }
}
