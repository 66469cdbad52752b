//! Files of a sandbox's workspace, also while it is stopped.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/sandboxes/{session}/files/tree?root&depth&include_hidden&limit` | 200 [`Node`], with at most `limit` below it |
//! | `GET /v1/sandboxes/{session}/files/stat?path` | 200 [`Node`] |
//! | `GET /v1/sandboxes/{session}/files?path` | 200 [`File`]; with `Accept: application/octet-stream` the bytes (200, or 206 with `Range`) |
//! | `PUT /v1/sandboxes/{session}/files?path[&append=true]` with the bytes | 200 [`Node`]; parents are made |
//! | `DELETE /v1/sandboxes/{session}/files?path[&recursive=true]` | 204 |
//! | `POST /v1/sandboxes/{session}/files/move` with [`Move`] | 200 [`Node`] |
//! | `POST /v1/sandboxes/{session}/files/edits` with [`Edits`] | 204; all files are changed, or none; 409 where one is not as it was seen |
//! | `POST /v1/sandboxes/{session}/files/directory` with [`MakeDirectory`] | 200 [`Node`]; parents are made |
//! | `GET /v1/sandboxes/{session}/files/archive?root&format=tar.gz\|zip` | 200 the archive, as it is made |
//!
//! A path is relative to the workspace, or absolute below `/workspace`. One that leads out of it is
//! 400, one that is not there 404, a directory where a file is wanted or the other way round 409, a
//! full quota 507.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The largest body of [`Edits`], in bytes.
pub const EDITS: usize = 24 << 20;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A file (or what can be seen as one: a pipe, a socket, a device).
    File,
    /// A directory.
    Directory,
    /// A symbolic link; it is not followed.
    Symlink,
}

/// A file or a directory, with what is in it as deep as was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The last part of its path; of the workspace itself `workspace`.
    pub name: String,
    /// Its path below the workspace, without a slash in front; of the workspace itself empty.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its size in bytes; of a directory 0.
    pub size: u64,
    /// When its content changed, in milliseconds since 1970.
    pub modified_at: i64,
    /// What is in it, by name, if it is a directory and was looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<Node>>,
    /// Whether there is more in it than is shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// How a file's content is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// As it is.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Because it is no UTF-8.
    #[serde(rename = "base64")]
    Base64,
}

/// A file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its path below the workspace.
    pub path: String,
    /// Its content, or the beginning of it.
    pub content: String,
    /// How `content` is written.
    pub encoding: Encoding,
    /// The size of the whole, in bytes.
    pub size: u64,
    /// When its content changed.
    pub modified_at: i64,
    /// Whether `content` is only the beginning.
    pub truncated: bool,
}

/// Gives something another path. What is there is replaced only with `overwrite`, else 409.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where it is.
    pub from: String,
    /// Where it shall be; parents are made.
    pub to: String,
    /// Whether a file there is replaced.
    #[serde(default)]
    pub overwrite: bool,
}

/// Makes a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDirectory {
    /// Where.
    pub path: String,
}

/// Changes several files at once: all of them, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// What becomes of each file. A path is in it once.
    pub edits: Vec<Edit>,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Where it is.
    pub path: String,
    /// The [`content_hash`] of what must be in it; nothing where there must be no file.
    pub before: Option<String>,
    /// What shall be in it; nothing where there shall be no file.
    pub after: Option<String>,
    /// The file whose mode it takes, as that is before the edits; else it keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_of: Option<String>,
}

/// What a file's content is known by: its SHA-256, in hexadecimal digits.
#[must_use]
pub fn content_hash(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
