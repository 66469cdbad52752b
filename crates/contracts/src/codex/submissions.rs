//! "提交到会话" of the `codex` document: what a client wants of a session, over HTTP or over the
//! socket.

use super::patches::WantedPatch;
use super::sessions::{UNKNOWN, operation};
use crate::operation::{Answer, Body, Method, Operation};
use crate::workspace::chat::{CONTENT_MAX_CHARS, said};
use domain::{Error, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use utoipa::ToSchema;

/// The longest patch that is taken, in bytes.
pub const PATCH_MAX_BYTES: usize = 200 * 1024;

/// The longest `metadata`, in bytes as JSON.
const METADATA_MAX_BYTES: usize = 16 * 1024;

/// The members of a submission.
const MEMBERS: [&str; 7] = [
    "type", "content", "metadata", "id", "decision", "patch", "dry_run",
];

/// The longest number of an approval, in bytes.
const ID_MAX_BYTES: usize = 200;

/// `POST /api/sessions/{id}/submit`, and the payload of a frame of type `submission`. Which
/// members count depends on `type`; [`Self::submission`] reads and checks them.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
pub struct SubmissionBody {
    /// `user_message`, `interrupt`, `approval` or `apply_patch`.
    #[serde(rename = "type")]
    #[schema(example = "user_message")]
    pub kind: String,
    /// `user_message`: what the user says, 1 to 32,000 characters.
    #[serde(default)]
    pub content: Option<String>,
    /// `user_message`: anything of the client's own, at most 16 KiB; nothing is made of it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// `approval`: the `call_id` of what is decided.
    #[serde(default)]
    pub id: Option<String>,
    /// `approval`: `approved`, `approved_for_session` or `denied`.
    #[serde(default)]
    #[schema(example = "approved")]
    pub decision: Option<String>,
    /// `apply_patch`: the patch; without, the newest one that waits.
    #[serde(default)]
    pub patch: Option<String>,
    /// `apply_patch`: whether `patch` is only to be looked at.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// What a client wants of a session. As JSON it is the same text for what is the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Submission {
    /// A message for the agent.
    UserMessage {
        /// What the user says.
        content: String,
        /// What goes with it.
        metadata: Map<String, Value>,
    },
    /// The turn shall stop.
    Interrupt,
    /// Something is allowed, or not.
    Approval {
        /// What waits.
        id: String,
        /// Whether it may go on.
        decision: ApprovalDecision,
    },
    /// A patch shall be applied.
    ApplyPatch(WantedPatch),
}

/// What a client decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    /// It may be done.
    Approved,
    /// It may be done, and its like for the rest of the session.
    ApprovedForSession,
    /// It may not.
    Denied,
}

impl ApprovalDecision {
    /// The decision of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "approved" => Some(Self::Approved),
            "approved_for_session" => Some(Self::ApprovedForSession),
            "denied" => Some(Self::Denied),
            _ => None,
        }
    }
}

impl SubmissionBody {
    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// Invalid, naming the member that has a wrong type.
    pub fn read(payload: &Value) -> Result<Self, Error> {
        let Value::Object(members) = payload else {
            return Err(Error::invalid_field("payload", "must be an object"));
        };
        let text = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Error::invalid_field(name, "must be a text")),
        };
        let metadata = match members.get("metadata") {
            None | Some(Value::Null) => None,
            Some(metadata) => Some(to_raw_value(metadata).map_err(Error::internal)?),
        };
        let dry_run = match members.get("dry_run") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(dry_run)) => Some(*dry_run),
            Some(_) => return Err(Error::invalid_field("dry_run", "must be true or false")),
        };
        Ok(Self {
            kind: text("type")?.ok_or_else(|| missing("type"))?,
            content: text("content")?,
            metadata,
            id: text("id")?,
            decision: text("decision")?,
            patch: text("patch")?,
            dry_run,
        })
    }

    /// The payload of a frame without members that nobody reads, which may be anything.
    pub(super) fn known(payload: Value) -> Value {
        match payload {
            Value::Object(members) => members
                .into_iter()
                .filter(|(name, _)| MEMBERS.contains(&name.as_str()))
                .collect(),
            other => other,
        }
    }

    /// What the body asks for.
    ///
    /// # Errors
    /// Invalid, naming the member at fault.
    pub fn submission(self) -> Result<Submission, Error> {
        match self.kind.as_str() {
            "user_message" => {
                let content = self.content.ok_or_else(|| missing("content"))?;
                said(&content, CONTENT_MAX_CHARS)
                    .map_err(|error| Error::invalid_field("content", error.to_string()))?;
                let metadata = self.metadata.as_deref().map(metadata).transpose()?;
                Ok(Submission::UserMessage {
                    content,
                    metadata: metadata.unwrap_or_default(),
                })
            }
            "interrupt" => Ok(Submission::Interrupt),
            "approval" => {
                let id = self.id.ok_or_else(|| missing("id"))?;
                if id.is_empty() || id.len() > ID_MAX_BYTES {
                    let message = format!("must have 1 to {ID_MAX_BYTES} bytes");
                    return Err(Error::invalid_field("id", message));
                }
                let decision = self.decision.ok_or_else(|| missing("decision"))?;
                let decision = ApprovalDecision::parse(&decision).ok_or_else(|| {
                    let message = "must be `approved`, `approved_for_session` or `denied`";
                    Error::invalid_field("decision", message)
                })?;
                Ok(Submission::Approval { id, decision })
            }
            "apply_patch" => {
                is_patch_if_any(&self.patch, &())
                    .map_err(|error| Error::invalid_field("patch", error.to_string()))?;
                WantedPatch::of(self.patch, self.dry_run).map(Submission::ApplyPatch)
            }
            _ => {
                let message = "must be `user_message`, `interrupt`, `approval` or `apply_patch`";
                Err(Error::invalid_field("type", message))
            }
        }
    }
}

/// What goes with a message. It is read only when it is known to be small: of few bytes much can
/// become.
fn metadata(json: &RawValue) -> Result<Map<String, Value>, Error> {
    if json.get().len() > METADATA_MAX_BYTES {
        let message = format!("must be at most {METADATA_MAX_BYTES} bytes");
        return Err(Error::invalid_field("metadata", message));
    }
    serde_json::from_str(json.get())
        .map_err(|_| Error::invalid_field("metadata", "must be an object"))
}

/// A patch that is not too long to be looked at.
pub(super) fn is_patch_if_any(patch: &Option<String>, _: &()) -> garde::Result {
    match patch {
        Some(text) if text.len() > PATCH_MAX_BYTES => Err(garde::Error::new(format!(
            "must be at most {PATCH_MAX_BYTES} bytes"
        ))),
        _ => Ok(()),
    }
}

fn missing(member: &str) -> Error {
    Error::invalid_field(member, "is required")
}

/// The answer to a submission: it is taken, and what comes of it the events tell.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Submitted {
    /// Always `submitted`.
    #[schema(example = "submitted")]
    pub status: &'static str,
    /// When, in milliseconds since 1970.
    #[schema(example = 1_642_694_400_000_i64)]
    pub timestamp: i64,
}

impl Submitted {
    /// The answer at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            status: "submitted",
            timestamp: now.0,
        }
    }
}

pub(crate) const OPERATIONS: &[Operation] = &[operation(
    (Method::Post, "/api/sessions/{session_id}/submit"),
    "Submit a message, an interrupt, an approval or a patch; a message during a turn becomes the \
     next turn",
)
.body("SubmissionBody")
.answers(&[
    Answer::new(200, "It is taken.", Body::Json("Submitted")),
    UNKNOWN,
    Answer::problem(
        409,
        "Nothing of that number waits for an approval, the patch does not match the files, or \
         too many messages wait.",
    ),
    Answer::problem(503, "Nobody can work on it now; the message is not kept."),
])];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[allow(
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "what is checked is written in place"
    )]
    fn check(body: Value, expected: Result<Submission, &str>) {
        let submission = SubmissionBody::read(&body).and_then(SubmissionBody::submission);
        // Over HTTP it is the same.
        let sent = serde_json::from_value::<SubmissionBody>(body.clone());
        let sent = sent.ok().and_then(|sent| sent.submission().ok());
        assert_eq!(sent.as_ref(), submission.as_ref().ok(), "{body}");
        let found = submission.map_err(|error| error.fields()[0].field.clone());
        assert_eq!(found, expected.map_err(str::to_owned), "{body}");
    }

    #[test]
    fn what_can_be_submitted() {
        let documented = json!({
            "type": "user_message", "content": "请帮我实现一个排序函数", "metadata": {},
        });
        let message = |content: &str, metadata: Value| {
            Ok(Submission::UserMessage {
                content: content.to_owned(),
                metadata: metadata.as_object().cloned().unwrap_or_default(),
            })
        };
        check(documented, message("请帮我实现一个排序函数", json!({})));
        let tagged = json!({ "type": "user_message", "content": "x", "metadata": { "a": 1 } });
        check(tagged, message("x", json!({ "a": 1 })));
        let text = |text: &str| json!({ "type": "user_message", "content": text });
        check(text(" "), Err("content"));
        check(
            text(&"字".repeat(32_000)),
            message(&"字".repeat(32_000), json!({})),
        );
        check(text(&"x".repeat(32_001)), Err("content"));
        check(json!({ "type": "user_message" }), Err("content"));
        let large = json!({ "a": "x".repeat(16 * 1024) });
        let large = json!({ "type": "user_message", "content": "x", "metadata": large });
        check(large, Err("metadata"));
        let list = json!({ "type": "user_message", "content": "x", "metadata": [] });
        check(list, Err("metadata"));
        check(json!({ "type": "interrupt" }), Ok(Submission::Interrupt));
        let decided =
            |decision: &str| json!({ "type": "approval", "id": "c", "decision": decision });
        let approval = |decision| {
            let id = "c".to_owned();
            Ok(Submission::Approval { id, decision })
        };
        check(decided("approved"), approval(ApprovalDecision::Approved));
        let session = approval(ApprovalDecision::ApprovedForSession);
        check(decided("approved_for_session"), session);
        check(decided("denied"), approval(ApprovalDecision::Denied));
        check(decided("timed_out"), Err("decision"));
        check(json!({ "type": "approval", "id": "c" }), Err("decision"));
        check(
            json!({ "type": "approval", "decision": "denied" }),
            Err("id"),
        );
        let long = json!({ "type": "approval", "id": "x".repeat(201), "decision": "denied" });
        check(long, Err("id"));
        check(json!({ "type": "shutdown" }), Err("type"));
        check(json!({ "content": "x" }), Err("type"));
        check(json!([]), Err("payload"));
        check(json!({ "type": 7 }), Err("type"));
    }

    #[test]
    fn patches() {
        let newest = || Ok(Submission::ApplyPatch(WantedPatch::Newest));
        check(json!({ "type": "apply_patch" }), newest());
        let given = |dry_run| {
            let text = "*** Begin Patch".to_owned();
            Ok(Submission::ApplyPatch(WantedPatch::Given { text, dry_run }))
        };
        for (dry_run, expected) in [
            (Value::Null, false),
            (json!(false), false),
            (json!(true), true),
        ] {
            let mut body = json!({ "type": "apply_patch", "dry_run": dry_run });
            let none = match expected {
                true => Err("patch"),
                false => newest(),
            };
            check(body.clone(), none);
            body["patch"] = json!("*** Begin Patch");
            check(body, given(expected));
        }
        let odd = json!({ "type": "apply_patch", "patch": "x", "dry_run": "yes" });
        check(odd, Err("dry_run"));
        let long = json!({ "type": "apply_patch", "patch": "x".repeat(PATCH_MAX_BYTES + 1) });
        check(long, Err("patch"));
        check(json!({ "type": "apply_patch", "patch": 7 }), Err("patch"));
    }
}
