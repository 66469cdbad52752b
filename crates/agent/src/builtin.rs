//! The tools that every team has: handing work on, and reading long outputs on.

use crate::{Spec, Transcript};
use serde::Deserialize;
use serde_json::json;

/// Hands work to another agent.
pub const ASSIGN: &str = "assign";

/// Reads a long output on.
pub const READ_OUTPUT: &str = "read_output";

pub(crate) fn is_builtin(name: &str) -> bool {
    matches!(name, ASSIGN | READ_OUTPUT)
}

/// The tool `assign`, for these agents.
pub(crate) fn assign(agents: &[&str]) -> Spec {
    Spec {
        name: ASSIGN.to_owned(),
        description: "Hands a task to another agent of your team, waits until it is done and \
            gives you the agent's final message. The agent knows nothing of this conversation but \
            what the task says. Several calls in one answer are worked on at the same time."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "agent": {"type": "string", "enum": agents, "description": "Who shall do it"},
                "task": {
                    "type": "string",
                    "minLength": 1,
                    "description": "What is to be done, with everything needed to know for it"
                }
            },
            "required": ["agent", "task"],
            "additionalProperties": false
        }),
        timeout: None,
        parallel: true,
    }
}

/// The tool `read_output`.
pub(crate) fn read_output() -> Spec {
    Spec {
        name: READ_OUTPUT.to_owned(),
        description: "Reads a part of the whole output of an earlier tool call that was shown to \
            you shortened."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "call_id": {"type": "string", "description": "The call, as the shortened output names it"},
                "offset": {"type": "integer", "minimum": 0, "description": "The byte to begin with"}
            },
            "required": ["call_id"],
            "additionalProperties": false
        }),
        timeout: None,
        parallel: true,
    }
}

/// A task that was handed on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) agent: String,
    pub(crate) task: String,
}

/// The task in the arguments of a call of `assign`.
pub(crate) fn assignment(arguments: &str) -> Option<Assignment> {
    let is_object = arguments.trim_start().starts_with('{');
    is_object.then(|| serde_json::from_str(arguments).ok())?
}

/// The task that a thread works on.
pub(crate) fn assignment_of(transcript: &Transcript, thread: &str) -> Option<Assignment> {
    assignment(&transcript.call(thread)?.1.arguments)
}
