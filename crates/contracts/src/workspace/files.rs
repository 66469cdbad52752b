//! "Files" of the `workspace` document.

mod operations;

pub(crate) use operations::OPERATIONS;

use super::sandbox::is_path;
use domain::Timestamp;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest path, in bytes.
const PATH_MAX: usize = 4_096;

/// Whether `path` can be a path at all. Where it leads is decided by whoever follows it.
///
/// # Errors
/// The sentence that says what is wrong with it.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    match path {
        "" => Err("must not be empty"),
        _ if path.len() > PATH_MAX => Err("must be at most 4096 bytes"),
        _ if path.contains('\0') => Err("must not contain NUL"),
        _ => Ok(()),
    }
}

/// A file or a directory, with what is in it as deep as was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileNode {
    /// The last part of its path; of the workspace itself `workspace`.
    pub name: String,
    /// Its path below the workspace, without a slash in front; of the workspace itself empty.
    #[schema(example = "src/main.rs")]
    pub path: String,
    /// `file`, `directory` or `symlink`.
    #[serde(rename = "type")]
    #[schema(example = "file")]
    pub kind: &'static str,
    /// Its size in bytes; of a directory 0.
    pub size: u64,
    /// When its content changed.
    #[schema(value_type = String, format = DateTime)]
    pub modified_at: Timestamp,
    /// What is in it, by name, if it is a directory and was looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub children: Option<Vec<FileNode>>,
    /// Whether there is more in it than is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// `GET /files/{session_id}?path=`
#[derive(Debug, Serialize, ToSchema)]
pub struct FileContent {
    /// Its path below the workspace.
    pub path: String,
    /// Its content, or the beginning of it.
    pub content: String,
    /// How `content` is written: `utf-8`, or `base64` where it is no text.
    #[schema(example = "utf-8")]
    pub encoding: &'static str,
    /// The size of the whole, in bytes.
    pub size: u64,
    /// When its content changed.
    #[schema(value_type = String, format = DateTime)]
    pub modified_at: Timestamp,
    /// Whether `content` is only the beginning; the bytes have no such limit.
    pub truncated: bool,
}

/// `POST /files/{session_id}/move`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct FileMove {
    /// Where it is.
    #[garde(custom(is_path))]
    pub from: String,
    /// Where it shall be; parents are made.
    #[garde(custom(is_path))]
    pub to: String,
    /// Whether a file there is replaced.
    #[serde(default)]
    #[garde(skip)]
    pub overwrite: bool,
}

/// `POST /files/{session_id}/directory`
#[derive(Debug, Deserialize, ToSchema, Validate)]
pub struct DirectoryCreate {
    /// Where; parents are made.
    #[garde(custom(is_path))]
    pub path: String,
}
