//! "应用补丁" of the `codex` document, and what became of a session's files.

use super::{
    sessions::{UNKNOWN, operation},
    submissions::is_patch_if_any,
};
use crate::operation::{Answer, Body, Method, Operation};
use domain::{Error, Timestamp};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/sessions/{id}/apply_patch`. It may be left out as a whole.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
pub struct ApplyPatch {
    /// The patch, in the format that begins with `*** Begin Patch`, at most 200 KiB; without, the
    /// newest one that waits for its approval.
    #[serde(default)]
    #[garde(custom(is_patch_if_any))]
    pub patch: Option<String>,
    /// Whether it is only to be looked at: `patch` must fit, and nothing is changed.
    #[serde(default)]
    #[garde(skip)]
    pub dry_run: Option<bool>,
}

impl ApplyPatch {
    /// Which patch is meant.
    ///
    /// # Errors
    /// Invalid where there is none to be looked at.
    pub fn wanted(self) -> Result<WantedPatch, Error> {
        WantedPatch::of(self.patch, self.dry_run)
    }
}

/// Which patch is to be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedPatch {
    /// The newest one that waits for its approval.
    Newest,
    /// One that is given.
    Given {
        /// In the format that begins with `*** Begin Patch`.
        text: String,
        /// Whether it is only to be looked at.
        dry_run: bool,
    },
}

impl WantedPatch {
    /// The patch that these members name.
    pub(super) fn of(patch: Option<String>, dry_run: Option<bool>) -> Result<Self, Error> {
        match (patch, dry_run.unwrap_or_default()) {
            (Some(text), dry_run) => Ok(Self::Given { text, dry_run }),
            (None, false) => Ok(Self::Newest),
            // One that waits was looked at before anybody was asked.
            (None, true) => Err(Error::invalid_field("patch", "is required for a dry run")),
        }
    }
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// It is made, or written anew.
    Add,
    /// It is removed.
    Delete,
    /// It is changed.
    Update,
}

/// A file that is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EditedFile {
    /// Where it was, below the workspace; a new one, where it is.
    #[schema(example = "src/sort.rs")]
    pub path: String,
    /// What is done to it.
    #[serde(rename = "type")]
    pub kind: Edit,
    /// Where it is now, if it moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub move_path: Option<String>,
}

/// What became of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatchStatus {
    /// All of it is applied.
    Applied,
    /// All of it could be applied: it was only looked at.
    Verified,
}

/// The answer to [`ApplyPatch`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// `applied`; `verified` of a dry run.
    pub status: PatchStatus,
    /// When, in milliseconds since 1970.
    #[schema(example = 1_642_694_400_000_i64)]
    pub timestamp: i64,
    /// The files that it changed, or would change.
    pub changes: Vec<EditedFile>,
}

impl Applied {
    /// The answer at `now`.
    #[must_use]
    pub fn at(now: Timestamp, changes: Vec<EditedFile>) -> Self {
        Self {
            status: PatchStatus::Applied,
            timestamp: now.0,
            changes,
        }
    }

    /// The answer at `now` to a dry run.
    #[must_use]
    pub fn verified(now: Timestamp, changes: Vec<EditedFile>) -> Self {
        Self {
            status: PatchStatus::Verified,
            ..Self::at(now, changes)
        }
    }
}

/// `GET /api/sessions/{id}/diff`: what the session has made of its files.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionDiff {
    /// All files in one unified diff; empty where nothing changed.
    pub unified_diff: String,
    /// Whether there is more of it than is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// `POST /api/sessions/{id}/undo`: the files are as they were before the last turn.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Undone {
    /// Always `undone`.
    #[schema(example = "undone")]
    pub status: &'static str,
    /// When, in milliseconds since 1970.
    pub timestamp: i64,
    /// The files that were put back.
    pub changes: Vec<EditedFile>,
    /// The paths of those that changed and are not kept, so that they are as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl Undone {
    /// The answer at `now`.
    #[must_use]
    pub fn at(now: Timestamp, changes: Vec<EditedFile>, left_out: Vec<String>) -> Self {
        Self {
            status: "undone",
            timestamp: now.0,
            changes,
            left_out,
        }
    }
}

pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        (Method::Post, "/api/sessions/{session_id}/apply_patch"),
        "Apply a patch, or the newest one that waits; whole or not at all. With `dry_run` a patch is \
         only looked at",
    )
    .body_if_any("ApplyPatch")
    .answers(&[
        Answer::new(200, "It is applied, or could be.", Body::Json("Applied")),
        Answer::problem(400, "The patch is malformed, or there is none to look at."),
        UNKNOWN,
        Answer::problem(409, "It does not match the files, or none waits."),
        Answer::problem(503, "The sandbox cannot be reached now."),
    ]),
    operation(
        (Method::Get, "/api/sessions/{session_id}/diff"),
        "Get what the session has made of its files, as one unified diff",
    )
    .answers(&[
        Answer::new(200, "The diff.", Body::Json("SessionDiff")),
        UNKNOWN,
        Answer::problem(503, "The sandbox cannot be reached now."),
    ]),
    operation(
        (Method::Post, "/api/sessions/{session_id}/undo"),
        "Put the files back to where they were before the last turn",
    )
    .answers(&[
        Answer::new(200, "They are as they were.", Body::Json("Undone")),
        UNKNOWN,
        Answer::problem(
            409,
            "There is no turn to undo, one is under way, or the last cannot be undone.",
        ),
        Answer::problem(503, "The sandbox cannot be reached now."),
    ]),
];
