//! Workflows as people have them: in API format or in editor format.
//!
//! Invariant: nothing is changed or lost here. What was given is kept by the caller; these types
//! are how it is read.

mod editor;
mod prompt;

pub use editor::{Graph, Link, Mode, Node, Origin, Slot, Subgraph, Widgets};
pub use prompt::{Prompt, PromptNode};

use crate::limits;
use domain::weight;
use serde_json::Value;

/// A workflow, of either format.
#[derive(Clone, Debug, PartialEq)]
pub enum Workflow {
    /// What `/prompt` takes.
    Api(Prompt),
    /// What ComfyUI's editor saves.
    Editor(Graph),
}

/// Why something is no workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkflowError {
    /// Not JSON.
    #[error("the workflow is not JSON: {0}")]
    Json(String),
    /// Over [`limits::WORKFLOW`].
    #[error("the workflow is over {} bytes", limits::WORKFLOW)]
    TooLong,
    /// Over [`limits::WORKFLOW_WEIGHT`].
    #[error("the workflow has too many parts")]
    TooHeavy,
    /// Over [`limits::WORKFLOW_DEPTH`].
    #[error("the workflow's JSON has over {} levels", limits::WORKFLOW_DEPTH)]
    TooDeep,
    /// Over [`limits::NODES`] or [`limits::LINKS`].
    #[error("the workflow has over {limit} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Over [`limits::NODE_ID`].
    #[error("the id of a node or of a subgraph is over {} bytes", limits::NODE_ID)]
    LongId,
    /// No node in it.
    #[error("the workflow has no nodes")]
    Empty,
    /// Of neither format.
    #[error("this is neither ComfyUI's API format nor its editor format: {0}")]
    Neither(&'static str),
    /// Of the editor format, but broken at a place.
    #[error("the workflow is broken: {0}")]
    Broken(String),
}

impl Workflow {
    /// Reads a workflow's JSON text.
    ///
    /// # Errors
    /// [`WorkflowError`], which says what is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, WorkflowError> {
        if json.len() > limits::WORKFLOW {
            return Err(WorkflowError::TooLong);
        }
        if weight::of_json(json) > limits::WORKFLOW_WEIGHT {
            return Err(WorkflowError::TooHeavy);
        }
        let value = serde_json::from_slice(json)
            .map_err(|error| WorkflowError::Json(crate::error::shorten(&error.to_string())))?;
        Self::read(&value)
    }

    /// Reads a workflow that is parsed already.
    ///
    /// # Errors
    /// [`WorkflowError`], which says what is wrong. The size is not looked at.
    pub fn read(value: &Value) -> Result<Self, WorkflowError> {
        if crate::edit::depth(value) > limits::WORKFLOW_DEPTH {
            return Err(WorkflowError::TooDeep);
        }
        let Value::Object(members) = value else {
            return Err(WorkflowError::Neither("it is not a JSON object"));
        };
        if members.get("nodes").is_some_and(Value::is_array) {
            return Graph::read(members).map(Self::Editor);
        }
        if members.get("prompt").is_some_and(Value::is_object) {
            return Err(WorkflowError::Neither(
                "it looks like the body of a request; give what stands in its `prompt`",
            ));
        }
        if members.contains_key("nodes") || members.contains_key("links") {
            return Err(WorkflowError::Neither("its `nodes` is not a list"));
        }
        if members.is_empty() {
            return Err(WorkflowError::Empty);
        }
        Prompt::read(members).map(Self::Api)
    }

    /// How many nodes it has; those of subgraphs are not counted.
    #[must_use]
    pub fn node_count(&self) -> usize {
        match self {
            Self::Api(prompt) => prompt.len(),
            Self::Editor(graph) => graph.nodes.len(),
        }
    }
}

/// An id, unless it is longer than it may be.
fn checked_id(id: String) -> Result<String, WorkflowError> {
    match id.len() > limits::NODE_ID {
        true => Err(WorkflowError::LongId),
        false => Ok(id),
    }
}
