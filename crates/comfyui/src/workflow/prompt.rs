//! The API format: `{id: {class_type, inputs, _meta: {title}}}`.

use super::WorkflowError;
use crate::limits;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A workflow in API format, with every member that it was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Prompt(Map<String, Value>);

/// A node of a prompt. What it lacks is empty.
#[derive(Clone, Copy, Debug)]
pub struct PromptNode<'a> {
    /// Its id.
    pub id: &'a str,
    node: &'a Value,
}

impl Prompt {
    /// Reads `{id: node}`. At least one node must have a `class_type`, and all must be objects;
    /// anything more is for [`crate::validate`] to say.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, WorkflowError> {
        if members.len() > limits::NODES {
            return Err(WorkflowError::TooMany {
                what: "nodes",
                limit: limits::NODES,
            });
        }
        if !members
            .values()
            .any(|node| node.get("class_type").is_some())
        {
            return Err(WorkflowError::Neither("no node has a `class_type`"));
        }
        if !members.values().all(Value::is_object) {
            return Err(WorkflowError::Neither("a node is not a JSON object"));
        }
        if members.keys().any(|id| id.len() > limits::NODE_ID) {
            return Err(WorkflowError::LongId);
        }
        Ok(Self(members.clone()))
    }

    /// A prompt of this JSON, whatever it is: [`crate::validate`] says what is wrong with it.
    #[must_use]
    pub const fn new(nodes: Map<String, Value>) -> Self {
        Self(nodes)
    }

    /// The nodes by id.
    pub fn nodes(&self) -> impl Iterator<Item = PromptNode<'_>> {
        self.0.iter().map(|(id, node)| PromptNode { id, node })
    }

    /// The node of this id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<PromptNode<'_>> {
        let (id, node) = self.0.get_key_value(id)?;
        Some(PromptNode { id, node })
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets an input of a node; `false` when there is no such node.
    pub fn set_input(&mut self, id: &str, name: &str, value: Value) -> bool {
        let inputs = self
            .0
            .get_mut(id)
            .and_then(|node| node.get_mut("inputs")?.as_object_mut());
        inputs.is_some_and(|inputs| {
            inputs.insert(name.to_owned(), value);
            true
        })
    }

    pub(crate) fn insert(
        &mut self,
        id: String,
        class: &str,
        title: &str,
        inputs: &Map<String, Value>,
    ) {
        let node = json!({"class_type": class, "inputs": inputs, "_meta": {"title": title}});
        self.0.insert(id, node);
    }
}

impl<'a> PromptNode<'a> {
    /// The class, if there is one.
    #[must_use]
    pub fn class_type(self) -> Option<&'a str> {
        self.node.get("class_type")?.as_str()
    }

    /// The title that people gave it.
    #[must_use]
    pub fn title(self) -> Option<&'a str> {
        self.node.get("_meta")?.get("title")?.as_str()
    }

    /// The inputs, if there are any.
    #[must_use]
    pub fn inputs(self) -> Option<&'a Map<String, Value>> {
        self.node.get("inputs")?.as_object()
    }
}
