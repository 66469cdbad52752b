//! "WebSocket 协议" of the `codex` document: the frames of a session's event socket.
//!
//! | frame | payload |
//! |---|---|
//! | `connection_ack` | `session_id`, `last_event_id` (where this socket goes on), `newest_event_id`, `heartbeat_interval` in ms |
//! | `event`, numbered | what happened, in Codex's own words (`events`) |
//! | `event` without a number | the answer to a submission: `type` is `submitted`, `applied` or `verified`, `submission_id` says which |
//! | `heartbeat` | `newest_event_id`; `id` of the client's, where it answers one |
//! | `error` | `error`, `status` and `detail` as over HTTP; `id` of the client's frame, if one is to blame. `EventsLost`: what follows goes on after `last_event_id`, what was before is not kept |
//!
//! Every frame has `timestamp` in milliseconds since 1970. Only a numbered one is part of the
//! session's history.

use super::{
    events,
    patches::Applied,
    sessions::{UNKNOWN, operation},
    submissions::SubmissionBody,
};
use crate::operation::{Answer, Body, Method, Operation, Query};
use crate::problem::{codex_type_of, status_of};
use crate::{Contract, InvalidMember, to_json};
use domain::{Error, ErrorKind, Event, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The longest id of a client's frame, in bytes.
pub const FRAME_ID_MAX_BYTES: usize = 200;

/// The largest frame of a client, in bytes: what the edge takes, less what is put around it.
pub const FRAME_MAX_BYTES: usize = 240 * 1024;

#[derive(Debug, Serialize)]
struct Frame<P> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    timestamp: i64,
    payload: P,
}

fn write<P: Serialize>(kind: &'static str, id: Option<u64>, at: Timestamp, payload: P) -> String {
    let timestamp = at.0;
    to_json(&Frame {
        kind,
        id,
        timestamp,
        payload,
    })
}

/// How a socket begins.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ConnectionAck {
    /// The session.
    pub session_id: Uuid,
    /// The number after which this socket goes on.
    pub last_event_id: u64,
    /// The number of the session's newest event.
    pub newest_event_id: u64,
    /// Milliseconds from one heartbeat to the next.
    pub heartbeat_interval: u64,
}

/// The frame with which a socket begins.
#[must_use]
pub fn connection_ack(now: Timestamp, ack: &ConnectionAck) -> String {
    write("connection_ack", None, now, ack)
}

/// A sign of life; `to` is the id of the client's own, where it answers one.
#[must_use]
pub fn heartbeat(now: Timestamp, newest: u64, to: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Heartbeat<'a> {
        newest_event_id: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    }
    let payload = Heartbeat {
        newest_event_id: newest,
        id: to,
    };
    write("heartbeat", None, now, payload)
}

/// The frame that says what is wrong; `to` is the id of the client's frame that is to blame.
#[must_use]
pub fn error(now: Timestamp, error: &Error, to: Option<&str>) -> String {
    #[derive(Serialize)]
    struct ErrorData<'a> {
        error: &'static str,
        status: u16,
        detail: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        errors: Vec<InvalidMember>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    }
    let status = status_of(error.kind(), Contract::Codex);
    let payload = ErrorData {
        error: codex_type_of(status),
        status,
        detail: error.detail(),
        errors: error.fields().iter().map(InvalidMember::of).collect(),
        id: to,
    };
    write("error", None, now, payload)
}

/// The answer to the submission of that id: it is taken.
#[must_use]
pub fn submitted(now: Timestamp, id: &str) -> Value {
    let timestamp = now.0;
    let payload = json!({
        "type": "submitted", "submission_id": id, "status": "submitted", "timestamp": timestamp,
    });
    json!({ "type": "event", "timestamp": timestamp, "payload": payload })
}

/// The answer to the submission of that id: the patch is applied, or could be.
#[must_use]
pub fn applied(id: &str, applied: &Applied) -> Value {
    let timestamp = applied.timestamp;
    let payload = json!({
        "type": applied.status, "submission_id": id, "status": applied.status,
        "timestamp": timestamp, "changes": applied.changes,
    });
    json!({ "type": "event", "timestamp": timestamp, "payload": payload })
}

/// The answer to the submission of that id: it is refused.
#[must_use]
pub fn refused(now: Timestamp, id: &str, why: &Error) -> Value {
    serde_json::from_str(&error(now, why, Some(id))).unwrap_or_default()
}

/// The frame of an event of the session's history.
#[must_use]
pub fn event(number: u64, at: Timestamp, event: &Event) -> String {
    write("event", Some(number), at, events::payload(event))
}

/// The frame that says that events between the one that the client named and the next one are
/// not kept any more; it goes on after the number `last`.
#[must_use]
pub fn events_lost(now: Timestamp, last: u64) -> String {
    let payload = json!({
        "error": "EventsLost", "status": 410, "last_event_id": last,
        "detail": "Events after the one that was named are not kept any more. Get the session.",
    });
    write("error", None, now, payload)
}

/// What a client sends.
#[derive(Debug)]
pub enum ClientFrame {
    /// Something for the session.
    Submission {
        /// By which it is answered; the same again is answered the same.
        id: String,
        /// As it came, without what nobody reads: it keeps the rules of [`SubmissionBody`].
        payload: Value,
    },
    /// A sign of life.
    Heartbeat {
        /// By which it is answered.
        id: Option<String>,
    },
}

/// A client's frame that means nothing.
#[derive(Debug)]
pub struct NoFrame {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// What is wrong with it.
    pub error: Error,
}

impl ClientFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// It is not what the document says, or its payload is not what its type says.
    pub fn parse(text: &str) -> Result<Self, NoFrame> {
        let members = serde_json::from_str::<Map<String, Value>>(text).ok();
        let mut members = members
            .filter(|members| members.contains_key("type"))
            .ok_or_else(|| {
                let detail =
                    "A frame is a JSON object with `type`, `id`, `timestamp` and `payload`";
                let error = Error::new(ErrorKind::Refused, detail);
                NoFrame { id: None, error }
            })?;
        let mut member = |name: &str| members.remove(name).unwrap_or_default();
        let id = match member("id") {
            Value::String(id) if (1..=FRAME_ID_MAX_BYTES).contains(&id.len()) => Some(id),
            Value::Null => None,
            _ => {
                let message = format!("must be a text of 1 to {FRAME_ID_MAX_BYTES} bytes");
                let error = Error::invalid_field("id", message);
                return Err(NoFrame { id: None, error });
            }
        };
        let wrong = |field: &str, message: &'static str| NoFrame {
            id: id.clone(),
            error: Error::invalid_field(field, message),
        };
        if !matches!(member("timestamp"), Value::Null | Value::Number(_)) {
            return Err(wrong("timestamp", "must be a number"));
        }
        match member("type").as_str() {
            Some("heartbeat") => Ok(Self::Heartbeat { id }),
            Some("submission") => match id.clone() {
                None => Err(wrong("id", "is required")),
                Some(of) => {
                    let payload = member("payload");
                    let read = SubmissionBody::read(&payload);
                    match read.and_then(SubmissionBody::submission) {
                        Ok(_) => Ok(Self::Submission {
                            id: of,
                            payload: SubmissionBody::known(payload),
                        }),
                        Err(error) => Err(NoFrame { id, error }),
                    }
                }
            },
            _ => Err(wrong("type", "must be `submission` or `heartbeat`")),
        }
    }
}

pub(crate) const OPERATIONS: &[Operation] = &[operation(
    (Method::Get, "/api/sessions/{session_id}/events"),
    "Open a session's event socket, by WebSocket",
)
.query(&[
    Query::text(
        "last_event_id",
        "The number after which to go on; 0 for all that is kept, without for what comes.",
        false,
    ),
    Query::text("ticket", "A ticket, instead of a token.", false),
])
.answers(&[
    Answer::new(101, "The socket.", Body::Nothing),
    UNKNOWN,
    Answer::problem(403, "The page that asks is of another origin."),
    Answer::problem(
        426,
        "It is no WebSocket's opening, or sockets are elsewhere.",
    ),
    Answer::problem(429, "Too many sockets are open."),
])];

#[cfg(test)]
mod tests;
