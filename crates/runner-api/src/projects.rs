//! Folders of the runner's host in which coding sessions may work.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/projects` with [`Project`] | 200 [`Project`]: it may be a workspace; 400 where it may not, or is none |
//!
//! The operator says below which folders they must be. A path is resolved beneath one of these by
//! the kernel, without following any symlink, here and again when a sandbox is launched.

use serde::{Deserialize, Serialize};

/// A folder of the runner's host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its path, absolute.
    pub path: String,
}
