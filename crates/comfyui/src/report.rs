//! What is wrong with a prompt, in the shapes of the server: the same types hold what a server
//! answered and what [`crate::validate`] found.

use crate::limits;
use domain::weight;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// One problem, of a prompt or of one of its nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The server's name for it, such as `value_not_in_list`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// A sentence.
    #[serde(default)]
    pub message: String,
    /// What the sentence leaves out, often the input's name.
    #[serde(default)]
    pub details: String,
    /// `input_name`, `input_config`, `received_value` and the like.
    #[serde(default)]
    pub extra_info: Value,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.details.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.message, self.details)
        }
    }
}

/// The problems of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeProblems {
    /// What is wrong.
    #[serde(default)]
    pub errors: Vec<Problem>,
    /// The outputs that will not come because of it, by node id.
    #[serde(default)]
    pub dependent_outputs: Vec<String>,
    /// The node's class.
    #[serde(default)]
    pub class_type: String,
}

/// The problems of a prompt's nodes, by node id. Empty when there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeErrors(pub BTreeMap<String, NodeProblems>);

impl NodeErrors {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems as lines, such as `node 3 (KSampler): Value 0 smaller than min of 1: steps`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let nodes = self.0.iter();
        nodes
            .flat_map(|(id, node)| {
                let class = &node.class_type;
                let errors = node.errors.iter();
                errors.map(move |problem| format!("node {id} ({class}): {problem}"))
            })
            .collect()
    }

    /// What a server wrote; an empty list stands for none in old ones, and what is of another
    /// shape is left out.
    pub(crate) fn read(value: &Value) -> Self {
        let nodes = value.as_object().into_iter().flatten();
        Self(
            nodes
                .filter_map(|(id, node)| Some((id.clone(), NodeProblems::deserialize(node).ok()?)))
                .collect(),
        )
    }
}

/// The server's 400, or its equal: the prompt does not run at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub error: Problem,
    /// The nodes at fault, if it is one of theirs.
    pub node_errors: NodeErrors,
}

impl Refusal {
    /// Reads the body of a 400: `None` when it is not of this shape.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body = weight::read(body, limits::ANSWER_WEIGHT).ok()?;
        let error = match body.get("error")? {
            // Old servers say `"no prompt"`.
            Value::String(message) => Problem {
                kind: String::new(),
                message: message.clone(),
                details: String::new(),
                extra_info: Value::Null,
            },
            error => Problem::deserialize(error).ok()?,
        };
        let node_errors = body.get("node_errors").map(NodeErrors::read);
        Some(Self {
            error,
            node_errors: node_errors.unwrap_or_default(),
        })
    }

    /// All that is wrong, as lines; the nodes' own problems where there are some.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self.node_errors.lines();
        if lines.is_empty() {
            vec![self.error.to_string()]
        } else {
            lines
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        f.write_str("the workflow does not run: ")?;
        for (number, line) in lines.iter().take(limits::NAMES).enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{}", crate::error::shorten(line))?;
        }
        match lines.len().saturating_sub(limits::NAMES) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
