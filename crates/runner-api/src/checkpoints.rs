//! Checkpoints of a workspace's files, kept beside it: what a turn changed, and the way back.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/sandboxes/{session}/checkpoints/{name}` | 200 [`Taken`]; one that is there stays; 413 where there is too much in the workspace; 409 where it is a gap |
//! | `GET /v1/sandboxes/{session}/checkpoints` | 200 [`Checkpoints`] |
//! | `GET /v1/sandboxes/{session}/checkpoints/{name}/diff` | 200 [`Diff`], 404; 409 where it is a gap |
//! | `POST /v1/sandboxes/{session}/checkpoints/{name}/restore` | 200 [`Restored`], 404; 409 where it is a gap. It and later ones are gone then, unless something is [`left`](Restored::left) |
//!
//! The first and the newest sixteen are kept. Where one could not be taken, and where others were, a
//! [`Gap`] is left. A name is a UUID, or [`FIRST`].

use domain::FileChange;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the first checkpoint is called once it was put back.
pub const FIRST: &str = "first";

/// A checkpoint was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Whether it was by this request.
    pub created: bool,
    /// How many files are in it.
    pub files: u64,
    /// How many are not: too large, not to be read, or with names that are no UTF-8.
    pub left_out: u64,
}

/// Why nothing is kept where a checkpoint was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// There was too much in the workspace.
    TooMuch,
    /// It could not be taken.
    Failed,
    /// It was taken, and others have been since.
    Pruned,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMuch => "there was more in the workspace than is kept of it",
            Self::Failed => "what was in the workspace could not be kept",
            Self::Pruned => "what was in the workspace that long ago is not kept any more",
        })
    }
}

/// A checkpoint, or a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What it is called.
    pub name: String,
    /// When it was taken, in milliseconds since 1970.
    pub at: i64,
    /// Why nothing is kept of it, if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
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

/// The files are what they were, but for those that are named here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// What was changed for it.
    pub changed: Vec<FileChange>,
    /// What could not be put back. If there is something, the checkpoint stays.
    pub left: Vec<String>,
    /// What the checkpoint does not have, and what may not be as it was: it is as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}
