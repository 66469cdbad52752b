//! Changes as Codex's events carry them.

use crate::{Change, Changes, diff};
use serde::Serialize;
use std::collections::BTreeMap;

/// A change of one file, as a member of `changes` in Codex's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FileChange {
    /// A new file; also one that overwrites another.
    Add {
        /// What is in it.
        content: String,
    },
    /// A file is deleted.
    Delete {
        /// What was in it.
        content: String,
    },
    /// A file has another content, and maybe another path.
    Update {
        /// The hunks of a unified diff, one line of context, without headers.
        unified_diff: String,
        /// The path that it has now, if it is another.
        move_path: Option<String>,
    },
}

impl Changes {
    /// The changes by path: where a file was, or for a new one where it is.
    #[must_use]
    pub fn file_changes(&self) -> BTreeMap<String, FileChange> {
        self.iter().map(of_change).collect()
    }
}

fn of_change(change: &Change) -> (String, FileChange) {
    let update = |before: &str, after: &str, move_path| FileChange::Update {
        unified_diff: diff::hunks(before, after, 1),
        move_path,
    };
    let (path, change) = match change {
        Change::Add { path, content, .. } => {
            let content = content.clone();
            (path, FileChange::Add { content })
        }
        Change::Delete { path, content } => {
            let content = content.clone();
            (path, FileChange::Delete { content })
        }
        Change::Update {
            path,
            before,
            after,
        } => (path, update(before, after, None)),
        Change::Move {
            from,
            to,
            before,
            after,
            ..
        } => (from, update(before, after, Some(to.to_string()))),
    };
    (path.to_string(), change)
}
