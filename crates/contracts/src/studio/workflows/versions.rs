//! What workflows were.

use domain::{Timestamp, WorkflowVersion};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// `GET /workflows/{id}/versions`: what a workflow was after one change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its number within the workflow, from 1.
    pub version: i64,
    /// What the workflow was called.
    pub name: String,
    /// What it was for.
    pub description: String,
    /// How its JSON was written: `API` or `EDITOR`.
    #[schema(example = "API")]
    pub format: &'static str,
    /// How many nodes it had, those within subgraphs not counted.
    pub node_count: i64,
    /// How many bytes its JSON had.
    pub size: i64,
    /// Who made it: `USER` or `AGENT`.
    #[schema(example = "USER")]
    pub author_type: &'static str,
    /// What they are called.
    pub author: String,
    /// Why, in the author's words; may be empty.
    pub note: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Of a single version: its JSON, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub workflow_data: Option<Box<RawValue>>,
}

impl Version {
    /// `version`, with its JSON or without.
    #[must_use]
    pub fn of(version: WorkflowVersion, data: Option<Box<RawValue>>) -> Self {
        Self {
            version: version.number,
            name: version.name,
            description: version.description,
            format: version.format.as_str(),
            node_count: version.node_count,
            size: version.size,
            author_type: version.author_kind.as_str(),
            author: version.author,
            note: version.note,
            created_at: version.created_at,
            workflow_data: data,
        }
    }
}

/// `GET /workflows/{id}/diff`: what differs between two versions. Where nodes stand on the canvas
/// does not count.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionDiff {
    /// The one version.
    pub from: i64,
    /// The other.
    pub to: i64,
    /// Whether one is in API format and the other in editor format: then no nodes are compared.
    pub format_changed: bool,
    /// The nodes that only `to` has.
    pub added: Vec<NodeOfVersion>,
    /// The nodes that only `from` has.
    pub removed: Vec<NodeOfVersion>,
    /// The nodes that both have, and that are not the same.
    pub changed: Vec<ChangedNode>,
    /// Whether there is more: at most 500 nodes of each kind are shown, and 100 inputs of each.
    pub truncated: bool,
}

/// A node of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeOfVersion {
    /// Its id.
    pub id: String,
    /// Its class.
    pub class_type: String,
    /// The title that people gave it.
    pub title: Option<String>,
}

/// A node that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedNode {
    /// Its id.
    pub id: String,
    /// Its class.
    pub class_type: String,
    /// The title that people gave it.
    pub title: Option<String>,
    /// The class that it was of, where that is another one.
    pub old_class_type: Option<String>,
    /// What of it changed.
    pub inputs: Vec<ChangedInput>,
}

/// A value, a link, the title or the mode of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedInput {
    /// What it is called.
    pub name: String,
    /// What it was, as JSON, shortened; null where it was not there.
    pub old: Option<String>,
    /// What it is.
    pub new: Option<String>,
}
