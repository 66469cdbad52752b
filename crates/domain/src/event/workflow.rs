//! What happens to ComfyUI workflows.

use serde::{Deserialize, Serialize};

/// A workflow can be changed by an agent alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowLocked {
    /// The workflow's number.
    pub workflow_id: i64,
    /// Why.
    pub reason: String,
}

/// A workflow can be changed by everybody again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowUnlocked {
    /// The workflow's number.
    pub workflow_id: i64,
}

/// How far ComfyUI is with a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionProgress {
    /// The workflow's number.
    pub workflow_id: i64,
    /// The number of the execution that the turn is, if it is one.
    pub execution_id: Option<i64>,
    /// The node that is being executed, if one is.
    pub node: Option<String>,
    /// How far it is, of `max`; in the queue, how many are done before it, itself included.
    pub value: Option<u64>,
    /// See `value`.
    pub max: Option<u64>,
    /// In one word: `QUEUED`, `RUNNING`, `SUCCEEDED`, `FAILED`, `CANCELLED`.
    pub status: String,
}
