//! Section 4 of the `studio` document, "工作流管理接口": workflows. Besides the document they have
//! versions, checks, and exports.

mod operations;
mod versions;

pub(crate) use operations::OPERATIONS;
pub use versions::{ChangedInput, ChangedNode, NodeOfVersion, Version, VersionDiff};

use super::services::DESCRIPTION;
use crate::Change;
use crate::validation::{parses_as, parses_as_if_any, rules, text_within};
use domain::{Timestamp, WorkflowName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The most characters of a note.
const NOTE: usize = 500;

/// `POST /workflows`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowCreate {
    /// 1 to 200 characters.
    pub name: String,
    /// What it is for: at most 2,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it runs; without, it is only kept.
    #[serde(default)]
    pub service_id: Option<i64>,
    /// ComfyUI's JSON, in API format or in editor format, at most 10 MB. It is kept as it is given.
    #[schema(value_type = Object)]
    pub workflow_data: Box<RawValue>,
    /// What its first version is to be remembered by: at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// `PUT /workflows/{id}`. What it does not name stays. Every update makes a version.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowUpdate {
    /// 1 to 200 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it runs; null for nowhere.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub service_id: Change<i64>,
    /// ComfyUI's JSON, in either format.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub workflow_data: Option<Box<RawValue>>,
    /// What the version is to be remembered by: at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
    /// The version that the update was made on: 409 where another is the newest by now.
    #[serde(default)]
    pub base_version: Option<i64>,
}

rules!(WorkflowCreate {
    name as "name": parses_as!(WorkflowName::parse),
    description as "description": text_within(DESCRIPTION),
    note as "note": text_within(NOTE),
});

rules!(WorkflowUpdate {
    name as "name": parses_as_if_any!(WorkflowName::parse),
    description as "description": text_within(DESCRIPTION),
    note as "note": text_within(NOTE),
});

/// `POST /workflows/{id}/favorite`
#[derive(Debug, Deserialize, ToSchema)]
pub struct FavoriteChange {
    /// Whether it is to be one of one's favourites.
    pub favorite: bool,
}

rules!(FavoriteChange {
    favorite as "favorite": |_: &bool, _: &()| Ok(()),
});

/// `POST /workflows/{id}/versions/{number}/restore`
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionRestore {
    /// What the new version is to be remembered by; without, by the number of the old one.
    #[serde(default)]
    pub note: Option<String>,
    /// The version that was the newest when this was decided: 409 where another is by now.
    #[serde(default)]
    pub base_version: Option<i64>,
}

rules!(VersionRestore {
    note as "note": text_within(NOTE),
});

/// An update was stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowChanged {
    /// Always true: what fails is a problem.
    pub success: bool,
    /// The version that it made.
    pub version: i64,
}

impl WorkflowChanged {
    /// It is this version.
    #[must_use]
    pub fn of(version: i64) -> Self {
        Self {
            success: true,
            version,
        }
    }
}

/// `GET /workflows`, `GET /workflows/{id}`: a workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudioWorkflow {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Where it runs; null where it is only kept.
    pub service_id: Option<i64>,
    /// What that is called.
    pub service_name: Option<String>,
    /// Whose it is: the user's number.
    pub user_id: i64,
    /// Whether it is one of one's own favourites.
    pub is_favorite: bool,
    /// How many sessions are about it.
    pub session_count: i64,
    /// How many versions are kept.
    pub version_count: i64,
    /// The number of the newest version.
    pub version: i64,
    /// How its JSON is written: `API` or `EDITOR`.
    #[schema(example = "API")]
    pub format: &'static str,
    /// How many nodes it has, those within subgraphs not counted.
    pub node_count: i64,
    /// Who keeps it from being changed, if somebody does.
    pub lock: Option<WorkflowLock>,
    /// When it was last run or talked about.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Of a single workflow: its JSON, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub workflow_data: Option<Box<RawValue>>,
}

/// What keeps a workflow from being changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowLock {
    /// Why.
    #[schema(example = "Agent editing")]
    pub reason: String,
    /// When it ends, unless it is prolonged.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// What stands beside a workflow in an answer.
#[derive(Debug, Default)]
pub struct Beside {
    /// What its service is called.
    pub service_name: Option<String>,
    /// Whether it is one of the asker's favourites.
    pub is_favorite: bool,
    /// How many sessions are about it.
    pub sessions: i64,
    /// How many versions are kept.
    pub versions: i64,
    /// Its JSON.
    pub data: Option<Box<RawValue>>,
}

impl StudioWorkflow {
    /// `workflow`, and what stands beside it.
    #[must_use]
    pub fn of(workflow: domain::Workflow, beside: Beside) -> Self {
        let lock = workflow.lock.map(|lock| WorkflowLock {
            reason: lock.reason,
            expires_at: lock.until,
        });
        Self {
            id: workflow.id.0,
            name: workflow.name,
            description: workflow.description,
            service_id: workflow.service_id.map(|id| id.0),
            service_name: beside.service_name,
            user_id: workflow.user_id.0,
            is_favorite: beside.is_favorite,
            session_count: beside.sessions,
            version_count: beside.versions,
            version: workflow.version,
            format: workflow.format.as_str(),
            node_count: workflow.node_count,
            lock,
            last_used_at: workflow.last_used_at,
            created_at: workflow.created_at,
            updated_at: workflow.updated_at,
            workflow_data: beside.data,
        }
    }
}

/// `POST /workflows/{id}/validate`: what the workflow's service would say of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowValidation {
    /// Whether all of it would run, with nothing left out.
    pub valid: bool,
    /// The version that was looked at.
    pub version: i64,
    /// The outputs that would run, by node.
    pub outputs: Vec<String>,
    /// What is wrong with the whole.
    pub errors: Vec<String>,
    /// What is wrong with nodes; also those of the editor's format that no output needs, and whose
    /// class the service does not have.
    pub node_errors: Vec<NodeFaults>,
}

/// What is wrong with a node.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeFaults {
    /// The node.
    pub node_id: String,
    /// Its class.
    pub class_type: String,
    /// A sentence for each fault.
    pub errors: Vec<String>,
}
