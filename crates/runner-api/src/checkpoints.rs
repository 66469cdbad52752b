//! Checkpoints of a workspace's files, kept beside it: what a turn changed, and the way back.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/sandboxes/{session}/checkpoints/{name}` | 200 [`Taken`]; one that is there stays; 413 where there is too much in the workspace |
//! | `GET /v1/sandboxes/{session}/checkpoints` | 200 [`Checkpoints`] |
//! | `GET /v1/sandboxes/{session}/checkpoints/{name}/diff` | 200 [`Diff`], 404 |
//! | `POST /v1/sandboxes/{session}/checkpoints/{name}/restore` | 200 [`Restored`], 404; it and later ones are gone then |
//!
//! The first and the newest sixteen are kept. A name is a UUID, or `first`: what the first is called
//! once it was put back.

use domain::FileChange;
use serde::{Deserialize, Serialize};

/// A checkpoint was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Whether it was by this request.
    pub created: bool,
    /// How many files are in it.
    pub files: u64,
    /// How many are not: too large, or with names that are no UTF-8.
    pub left_out: u64,
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What it is called.
    pub name: String,
    /// When it was taken, in milliseconds since 1970.
    pub at: i64,
}

/// The checkpoints of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoints {
    /// Oldest first.
    pub checkpoints: Vec<Checkpoint>,
}

/// What is not any more as a checkpoint has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// All files in one unified diff; empty where nothing differs.
    pub unified_diff: String,
    /// Whether that is not all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The files are what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// What was changed for it.
    pub changed: Vec<FileChange>,
    /// What could not be put back.
    pub left: Vec<String>,
}
