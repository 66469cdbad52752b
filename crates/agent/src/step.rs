//! The steps of a transcript, as they are stored.
//!
//! Their JSON is kept in a database: members and variants are only ever added.

use crate::{Prices, Usage, limits, output};
use domain::weight::{self, Unread};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One step of a session's transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place among all steps of the session. Of two writers, one finds it taken.
    pub number: u64,
    /// When it was stored, in milliseconds since 1970.
    pub at: i64,
    /// Whose step it is; of a user's message, who is addressed.
    pub agent: Option<String>,
    /// The call of `assign` whose work it belongs to; `None` for the turn itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// What happened.
    pub body: Body,
}

/// What happened in a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// The person said something: a run begins.
    User {
        /// The run.
        run_id: Uuid,
        /// The message.
        message_id: Uuid,
        /// Its text.
        text: String,
    },
    /// The run was put down in good order, to be driven on: calls without a result were not begun.
    Paused,
    /// The run is driven on after a pause or a crash.
    Resumed,
    /// An agent's message begins to be shown.
    Started {
        /// The message.
        message_id: Uuid,
        /// What was there of it when it was stored last.
        #[serde(default)]
        draft: String,
        /// About how many tokens the question was, in case the answer is never counted.
        asked: u64,
        /// What the model costs.
        prices: Prices,
    },
    /// A model's answer is there, or is known not to come.
    Answer(Answer),
    /// A call came to its end.
    Result(CallResult),
    /// The platform told the model something.
    Notice {
        /// What.
        text: String,
    },
    /// What happened up to a step is now told by a summary. The steps stay.
    Compaction {
        /// The last step that the summary tells.
        through: u64,
        /// The summary.
        summary: String,
        /// What it cost.
        usage: Usage,
    },
    /// The run ended.
    Ended(End),
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// As it was meant to be.
    Complete,
    /// Cut short by a fault of the model or of its server.
    Failed,
    /// Cut short because it was stopped, or its writer disappeared.
    Interrupted,
}

impl From<MessageState> for domain::MessageStatus {
    fn from(state: MessageState) -> Self {
        match state {
            MessageState::Complete => Self::Complete,
            MessageState::Failed => Self::Failed,
            MessageState::Interrupted => Self::Interrupted,
        }
    }
}

impl Body {
    /// What it cost, if a model answered.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Answer(answer) => Some(answer.usage),
            Self::Compaction { usage, .. } => Some(*usage),
            _ => None,
        }
    }
}

/// A model's answer, or what there is of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The message.
    pub message_id: Uuid,
    /// Whether [`Body::Started`] went before: readers know of the message.
    pub started: bool,
    /// What the model said, which is what was shown.
    pub text: String,
    /// The calls it made; empty unless the answer is complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// How far it got.
    pub state: MessageState,
    /// Why it is not complete, fit for readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What it cost.
    pub usage: Usage,
}

/// A call of a tool, as the model made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Unique in the session.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments as the model wrote them, meant to be a JSON object.
    pub arguments: String,
}

impl Call {
    /// The arguments, meant to be JSON. None at all are an empty object: that is what servers mean
    /// by nothing, of tools without parameters.
    pub(crate) fn text(&self) -> &str {
        match self.arguments.trim() {
            "" => "{}",
            text => text,
        }
    }

    /// The arguments as a value.
    ///
    /// # Errors
    /// They are no JSON, or would take too much memory.
    pub(crate) fn read(&self) -> Result<Value, Unread> {
        weight::read(self.text().as_bytes(), limits::ARGUMENTS_WEIGHT)
    }

    /// The arguments for readers: the JSON, the text if it is none. Of more than 64 KiB, long texts
    /// in it are their beginning and their end; of what is too long even so, all of it is.
    #[must_use]
    pub fn arguments_for_readers(&self) -> Value {
        let text = self.text();
        let shown = self
            .read()
            .ok()
            .and_then(|value| match text.len() <= limits::DETAIL {
                true => Some(value),
                false => output::shorten(&value, limits::DETAIL),
            });
        let cut = || output::cut(text, limits::DETAIL, output::left_out).into_owned();
        shown.unwrap_or_else(|| Value::String(cut()))
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The tool did it.
    Done,
    /// The tool could not do it.
    Failed,
    /// The call never reached a tool: there is none of that name, or its arguments are wrong.
    Refused,
    /// The tool took too long.
    TimedOut,
    /// It was stopped, or the platform restarted meanwhile: it may have taken effect or not.
    Interrupted,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResult {
    /// The call.
    pub call_id: String,
    /// The tool's name.
    pub tool: String,
    /// How it ended.
    pub state: CallState,
    /// What the model is told. Of a long output, its beginning and its end.
    pub shown: String,
    /// Bytes of the whole output.
    pub size: u64,
    /// What readers are told besides, such as an exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// How long it took.
    pub duration_ms: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// What ended it.
    pub reason: Reason,
    /// The same in a sentence for readers.
    pub detail: String,
}

/// What ended a run, or an agent's part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The agent had nothing more to do.
    Completed,
    /// The user stopped it.
    Interrupted,
    /// A limit on the number of answers.
    StepLimit,
    /// The limit on tokens.
    TokenLimit,
    /// The limit on time.
    TimeLimit,
    /// The limit on cost.
    CostLimit,
    /// The model called the same tools again and again.
    Looping,
    /// What the model has to be told does not fit into its window.
    ContextTooLong,
    /// The model or its server failed.
    ModelFailed,
    /// The run was restarted again and again without getting on.
    Restarts,
    /// The model may not be asked for so long that waiting for it was given up.
    RateLimited,
    /// There is no agent to answer any more.
    NoAgent,
    /// What the run did so far cannot be read.
    Unreadable,
}

/// How a run came out, as an execution records it.
pub use domain::event::RunOutcome as Outcome;

impl Reason {
    /// Its name, as it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::StepLimit => "step_limit",
            Self::TokenLimit => "token_limit",
            Self::TimeLimit => "time_limit",
            Self::CostLimit => "cost_limit",
            Self::Looping => "looping",
            Self::ContextTooLong => "context_too_long",
            Self::ModelFailed => "model_failed",
            Self::Restarts => "restarts",
            Self::RateLimited => "rate_limited",
            Self::NoAgent => "no_agent",
            Self::Unreadable => "unreadable",
        }
    }

    /// How a run that ended so came out.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Completed => Outcome::Succeeded,
            Self::Interrupted => Outcome::Cancelled,
            _ => Outcome::Failed,
        }
    }
}

impl End {
    /// An end.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ErrorKind, event::fault_of};
    use serde_json::json;

    #[test]
    fn what_an_end_is_to_whoever_waited() {
        for (reason, expected) in [
            (Reason::Completed, ErrorKind::Conflict),
            (Reason::Interrupted, ErrorKind::Conflict),
            (Reason::ModelFailed, ErrorKind::Upstream),
            (Reason::TimeLimit, ErrorKind::UpstreamTimeout),
            (Reason::RateLimited, ErrorKind::TooManyRequests),
            (Reason::CostLimit, ErrorKind::Unavailable),
            (Reason::NoAgent, ErrorKind::Unavailable),
        ] {
            assert_eq!(fault_of(reason.as_str()), expected, "{reason:?}");
        }
    }

    fn shown(arguments: &str) -> Value {
        let call = Call {
            id: "c".to_owned(),
            tool: "t".to_owned(),
            arguments: arguments.to_owned(),
        };
        call.arguments_for_readers()
    }

    #[test]
    fn readers_are_shown_an_object_wherever_there_is_one() {
        for (arguments, expected) in [
            ("", json!({})),
            (" \n", json!({})),
            ("{}", json!({})),
            (" {\"a\": [1, null]} ", json!({"a": [1, null]})),
            ("[1]", json!([1])),
            ("{\"a\":", json!("{\"a\":")),
        ] {
            assert_eq!(shown(arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn of_long_arguments_the_long_texts_are_cut() {
        let content = "世\"\n".repeat(100_000);
        let edits = Value::from(vec![json!({"old": content, "new": "short", "line": 7}); 4]);
        let arguments = json!({"path": "a.txt", "content": content, "edits": edits});
        let found = shown(&arguments.to_string());
        assert!(found.to_string().len() <= limits::DETAIL);
        assert_eq!(found["path"], "a.txt");
        assert_eq!(found["edits"][3]["new"], "short");
        assert_eq!(found["edits"][3]["line"], 7);
        for text in [&found["content"], &found["edits"][3]["old"]] {
            let text = text.as_str().unwrap();
            assert!(
                text.starts_with("世\"\n世") && text.ends_with("世\"\n"),
                "{text}"
            );
            assert!(text.contains(" bytes left out …]"), "{text}");
        }
        // One that fits as a whole but for its blanks is left as it is.
        let spaced = format!("{{\"a\":{}\"b\"}}", " ".repeat(limits::DETAIL));
        assert_eq!(shown(&spaced), json!({"a": "b"}));
    }

    #[test]
    fn what_is_too_long_even_so_is_a_text() {
        for arguments in [
            Value::from(vec![1; 100_000]).to_string(),
            format!("{{\"a\": \"{}", "x".repeat(100_000)),
        ] {
            let found = shown(&arguments);
            let text = found.as_str().unwrap();
            assert!(text.len() <= limits::DETAIL + 100 && text.contains("left out"));
        }
    }
}
