//! "会话管理" of the `codex` document: coding sessions.

use super::patches::EditedFile;
use crate::Contract;
use crate::operation::{Access, Answer, Body, Method, Operation, Query};
use crate::workspace::sessions::TOO_MANY;
use domain::{CommandLine, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name of a model or a profile, in characters.
const NAME_MAX: usize = 200;

/// `POST /api/sessions`. Every member may be left out, and the body as a whole.
#[derive(Clone, Debug, Default, Deserialize, ToSchema, Validate)]
pub struct CodexSessionCreate {
    /// A folder of the sandbox: absolute below `/workspace`, or relative to it; it is made if it
    /// is missing. Or an existing folder of the host below one that the operator allows.
    #[serde(default)]
    #[schema(example = "/workspace/project")]
    #[garde(custom(is_path_if_any))]
    pub cwd: Option<String>,
    /// The model; one that is not configured is answered by the default one, with a warning.
    #[serde(default)]
    #[schema(example = "claude-3-sonnet")]
    #[garde(custom(is_name_if_any))]
    pub model: Option<String>,
    /// Whether a model of a provider that is marked as local shall answer; without, it need not.
    #[serde(default)]
    #[garde(skip)]
    pub oss: Option<bool>,
    /// Whether the agent may search the web; without, it may not.
    #[serde(default)]
    #[garde(skip)]
    pub web_search: Option<bool>,
    /// `default`, which asks before it changes anything, `auto`, `read-only`, or one of the
    /// operator's own.
    #[serde(default)]
    #[schema(example = "default")]
    #[garde(custom(is_name_if_any))]
    pub config_profile: Option<String>,
}

fn is_path_if_any(path: &Option<String>, _: &()) -> garde::Result {
    match path {
        Some(path) => crate::workspace::files::check_path(path).map_err(garde::Error::new),
        None => Ok(()),
    }
}

fn is_name_if_any(name: &Option<String>, _: &()) -> garde::Result {
    let Some(name) = name else { return Ok(()) };
    let message = match name.as_str() {
        "" => "must not be empty",
        name if name.chars().count() > NAME_MAX => "must be at most 200 characters",
        name if name.chars().any(char::is_control) => "must not contain control characters",
        _ => return Ok(()),
    };
    Err(garde::Error::new(message))
}

/// The answer to [`CodexSessionCreate`].
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CodexSessionCreated {
    /// The session's UUID.
    pub session_id: String,
    /// Where its events are.
    #[schema(
        example = "ws://127.0.0.1:8080/api/sessions/550e8400-e29b-41d4-a716-446655440000/events"
    )]
    pub ws_url: String,
    /// Where it is.
    #[schema(example = "http://127.0.0.1:8080/api/sessions/550e8400-e29b-41d4-a716-446655440000")]
    pub http_url: String,
}

impl CodexSessionCreated {
    /// The answer about the session of that UUID. `public` is where the edge is reached, `live`
    /// where sockets are, both without a slash at the end.
    #[must_use]
    pub fn of(session_id: &str, public: &str, live: &str) -> Self {
        let path = format!("/api/sessions/{session_id}");
        let live = match live.strip_prefix("http") {
            Some(rest) => format!("ws{rest}"),
            None => live.to_owned(),
        };
        Self {
            session_id: session_id.to_owned(),
            ws_url: format!("{live}{path}/events"),
            http_url: format!("{public}{path}"),
        }
    }
}

/// How a coding session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodexSessionStatus {
    /// Nothing is under way.
    Idle,
    /// The agent works.
    Running,
    /// The agent waits for an approval.
    Waiting,
    /// Its sandbox is stopped; what comes next starts it again.
    Stopped,
}

/// A coding session.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodexSession {
    /// Its UUID.
    pub session_id: String,
    /// Where its events are.
    pub ws_url: String,
    /// Where it is.
    pub http_url: String,
    /// What it is called; null before it has a title or a message.
    pub title: Option<String>,
    /// The folder that it works in.
    #[schema(example = "/workspace")]
    pub cwd: String,
    /// The model that answers; null for the default one.
    pub model: Option<String>,
    /// The profile that says what must be approved.
    #[schema(example = "default")]
    pub config_profile: String,
    /// Whether a local model was asked for.
    pub oss: bool,
    /// Whether the agent may search the web.
    pub web_search: bool,
    /// How it is.
    pub status: CodexSessionStatus,
    /// When it was made, in milliseconds since 1970.
    #[schema(example = 1_642_694_400_000_i64)]
    pub created_at: i64,
    /// When it was made, renamed, or last written in, in milliseconds since 1970.
    pub updated_at: i64,
    /// The number of its newest event, 0 before the first. Only of a single session, and while
    /// whoever keeps events can be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<u64>,
    /// What waits for a decision, oldest first.
    pub pending_approvals: Vec<PendingApproval>,
}

/// Something that the agent may do only when it is allowed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingApproval {
    /// What a submission of type `approval` names.
    pub id: String,
    /// `exec` or `patch`.
    #[serde(rename = "type")]
    #[schema(example = "patch")]
    pub kind: &'static str,
    /// The command, of `exec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub command: Option<CommandLine>,
    /// Where it runs, of `exec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The files that it changes, of `patch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<EditedFile>>,
    /// Why it is asked, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked, in milliseconds since 1970.
    pub requested_at: i64,
    /// When it counts as denied, in milliseconds since 1970.
    pub expires_at: i64,
}

impl PendingApproval {
    /// An approval of a command.
    #[must_use]
    pub fn exec(id: String, command: CommandLine, cwd: String, times: [Timestamp; 2]) -> Self {
        Self {
            command: Some(command),
            cwd: Some(cwd),
            ..Self::of(id, "exec", times)
        }
    }

    /// An approval of a patch.
    #[must_use]
    pub fn patch(id: String, changes: Vec<EditedFile>, times: [Timestamp; 2]) -> Self {
        Self {
            changes: Some(changes),
            ..Self::of(id, "patch", times)
        }
    }

    fn of(id: String, kind: &'static str, [requested, expires]: [Timestamp; 2]) -> Self {
        Self {
            id,
            kind,
            command: None,
            cwd: None,
            changes: None,
            reason: None,
            requested_at: requested.0,
            expires_at: expires.0,
        }
    }
}

pub(super) const fn operation(line: (Method, &'static str), summary: &'static str) -> Operation {
    crate::operation::operation(Contract::Codex, Access::SignedIn, line, summary)
}

pub(super) const UNKNOWN: Answer = Answer::problem(404, "There is no such session of yours.");

pub(crate) const OPERATIONS: &[Operation] = &[
    operation((Method::Post, "/api/sessions"), "Create a coding session")
        .body_if_any("CodexSessionCreate")
        .answers(&[
            Answer::new(
                201,
                "The session, and where it is.",
                Body::Json("CodexSessionCreated"),
            ),
            TOO_MANY,
        ]),
    operation(
        (Method::Get, "/api/sessions"),
        "List one's coding sessions, newest first",
    )
    .query(&[
        Query::number("offset", "How many to skip.", 0, i64::MAX),
        Query::number("limit", "How many at most.", 50, 100),
    ])
    .answers(&[Answer::new(
        200,
        "The sessions; `X-Total-Count` says how many there are.",
        Body::JsonList("CodexSession"),
    )]),
    operation(
        (Method::Get, "/api/sessions/{session_id}"),
        "Get a coding session",
    )
    .answers(&[
        Answer::new(200, "The session.", Body::Json("CodexSession")),
        UNKNOWN,
    ]),
    operation(
        (Method::Delete, "/api/sessions/{session_id}"),
        "Delete a coding session and its sandbox",
    )
    .answers(&[Answer::nothing("It is gone."), UNKNOWN]),
    operation(
        (Method::Post, "/api/sessions/{session_id}/resume"),
        "Open a coding session again: its sandbox is started if it was stopped",
    )
    .answers(&[
        Answer::new(200, "The session.", Body::Json("CodexSession")),
        UNKNOWN,
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invalid_members;
    use serde_json::json;

    #[test]
    fn what_a_session_may_be_made_with() {
        let check = |body: serde_json::Value, at_fault: &[&str]| {
            let parsed = serde_json::from_value::<CodexSessionCreate>(body.clone());
            let fields: Vec<_> = match &parsed {
                Ok(parsed) => invalid_members(parsed),
                Err(_) => Vec::new(),
            };
            let mut fields: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
            fields.sort_unstable();
            assert!(parsed.is_ok(), "{body}");
            assert_eq!(fields, at_fault, "{body}");
        };
        check(json!({}), &[]);
        let documented = json!({
            "cwd": "/path/to/project", "model": "claude-3-sonnet", "oss": false,
            "web_search": true, "config_profile": "default",
        });
        check(documented, &[]);
        check(json!({ "cwd": null, "model": null, "x": 1 }), &[]);
        let nothing = json!({ "oss": null, "web_search": null, "config_profile": null });
        check(nothing, &[]);
        let empty = json!({ "cwd": "", "model": "", "config_profile": "" });
        check(empty, &["config_profile", "cwd", "model"]);
        check(json!({ "model": "x".repeat(200) }), &[]);
        check(json!({ "model": "x".repeat(201) }), &["model"]);
        check(json!({ "config_profile": "a\nb" }), &["config_profile"]);
        check(json!({ "cwd": "x".repeat(4097) }), &["cwd"]);
    }

    #[test]
    fn where_a_session_is() {
        let check = |public: &str, live: &str, ws: &str, http: &str| {
            let created = CodexSessionCreated::of("7", public, live);
            assert_eq!(created.ws_url, ws);
            assert_eq!(created.http_url, http);
        };
        check(
            "http://127.0.0.1:3000",
            "http://127.0.0.1:8787",
            "ws://127.0.0.1:8787/api/sessions/7/events",
            "http://127.0.0.1:3000/api/sessions/7",
        );
        check(
            "https://a.example",
            "https://live.example",
            "wss://live.example/api/sessions/7/events",
            "https://a.example/api/sessions/7",
        );
    }
}
