//! What a patch makes of files: from what to what, and the way back.

use crate::FilePath;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// All that a patch changes, in total. Invariant: no path is written twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<Change>);

/// What becomes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new file.
    Add {
        /// Where.
        path: FilePath,
        /// What is in it.
        content: String,
        /// What was in the file that stood there before.
        overwritten: Option<String>,
    },
    /// A file is deleted.
    Delete {
        /// Where.
        path: FilePath,
        /// What was in it.
        content: String,
    },
    /// A file has another content.
    Update {
        /// Where.
        path: FilePath,
        /// What was in it.
        before: String,
        /// What is in it now.
        after: String,
    },
    /// A file has another path, and maybe another content.
    Move {
        /// Where it was.
        from: FilePath,
        /// Where it is now.
        to: FilePath,
        /// What was in it.
        before: String,
        /// What is in it now.
        after: String,
        /// What was in the file that stood there before.
        overwritten: Option<String>,
    },
}

/// What is to be written at one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// Where.
    pub path: &'a FilePath,
    /// What was read there; `None` for nothing. Who writes can see whether it is still so.
    pub before: Option<&'a str>,
    /// What is to be there; `None` for nothing.
    pub after: Option<&'a str>,
    /// Where the file was, if it is moved there: what is known of it besides its content comes along.
    pub origin: Option<&'a FilePath>,
}

/// A path before and after a patch.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) path: FilePath,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    /// The path that the file which is there after had before.
    pub(crate) origin: Option<FilePath>,
}

impl Changes {
    /// A move is one only if nothing is left at its origin: a file can also be moved away and
    /// another be put into its place, and then both paths have a change of their own.
    pub(crate) fn of(nets: Vec<Net>) -> Self {
        let left: BTreeSet<_> = nets
            .iter()
            .filter(|net| net.after.is_none())
            .map(|net| net.path.clone())
            .collect();
        let moved_from = |net: &Net| net.origin.clone().filter(|from| left.contains(from));
        let moved: BTreeSet<_> = nets.iter().filter_map(moved_from).collect();
        let mut sources: BTreeMap<_, _> = BTreeMap::new();
        let mut rest = Vec::with_capacity(nets.len());
        for net in nets {
            if moved.contains(&net.path) {
                sources.insert(net.path, net.before);
            } else {
                rest.push(net);
            }
        }
        let change = |net: Net| {
            let source = net.origin.as_ref().and_then(|from| sources.remove(from));
            net.into_change(source.flatten())
        };
        Self(rest.into_iter().filter_map(change).collect())
    }

    /// The changes, in the order of the patch.
    pub fn iter(&self) -> std::slice::Iter<'_, Change> {
        self.0.iter()
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is to be written where: each path once, so in any order.
    pub fn writes(&self) -> impl Iterator<Item = Write<'_>> {
        self.0.iter().flat_map(Change::writes)
    }

    /// The changes that restore what was before, byte for byte. Folders that were made for new
    /// files are not removed.
    #[must_use]
    pub fn reverse(&self) -> Self {
        Self(self.0.iter().rev().flat_map(Change::reverse).collect())
    }

    /// What Codex prints for the model: a line for each file, those added first, then those
    /// modified (where they are now), then those deleted.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.is_empty() {
            return "No files were modified.\n".to_owned();
        }
        let mut summary = "Success. Updated the following files:\n".to_owned();
        for letter in ['A', 'M', 'D'] {
            for change in &self.0 {
                if change.letter() == letter {
                    // Writing to a String does not fail.
                    let _ = writeln!(summary, "{letter} {}", change.path());
                }
            }
        }
        summary
    }
}

impl Change {
    /// The path after the change, or that of the file which is gone.
    #[must_use]
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Add { path, .. } | Self::Delete { path, .. } | Self::Update { path, .. } => path,
            Self::Move { to, .. } => to,
        }
    }

    /// `A`, `M` or `D`, as Codex's summary has it.
    #[must_use]
    pub fn letter(&self) -> char {
        match self {
            Self::Add { .. } => 'A',
            Self::Update { .. } | Self::Move { .. } => 'M',
            Self::Delete { .. } => 'D',
        }
    }

    fn writes(&self) -> impl Iterator<Item = Write<'_>> {
        let (first, second) = match self {
            Self::Add {
                path,
                content,
                overwritten,
            } => (Write::new(path, overwritten.as_ref(), Some(content)), None),
            Self::Delete { path, content } => (Write::new(path, Some(content), None), None),
            Self::Update {
                path,
                before,
                after,
            } => (Write::new(path, Some(before), Some(after)), None),
            Self::Move {
                from,
                to,
                before,
                after,
                overwritten,
            } => {
                let moved = Write {
                    origin: Some(from),
                    ..Write::new(to, overwritten.as_ref(), Some(after))
                };
                (moved, Some(Write::new(from, Some(before), None)))
            }
        };
        [Some(first), second].into_iter().flatten()
    }

    fn reverse(&self) -> Vec<Self> {
        let update = |path: &FilePath, before: &str, after: &str| Self::Update {
            path: path.clone(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let add = |path: &FilePath, content: &str| Self::Add {
            path: path.clone(),
            content: content.to_owned(),
            overwritten: None,
        };
        match self {
            Self::Add {
                path,
                content,
                overwritten: None,
            } => vec![Self::Delete {
                path: path.clone(),
                content: content.clone(),
            }],
            Self::Add {
                path,
                content,
                overwritten: Some(old),
            } => vec![update(path, content, old)],
            Self::Delete { path, content } => vec![add(path, content)],
            Self::Update {
                path,
                before,
                after,
            } => vec![update(path, after, before)],
            Self::Move {
                from,
                to,
                before,
                after,
                overwritten: None,
            } => vec![Self::Move {
                from: to.clone(),
                to: from.clone(),
                before: after.clone(),
                after: before.clone(),
                overwritten: None,
            }],
            Self::Move {
                from,
                to,
                before,
                after,
                overwritten: Some(old),
            } => vec![add(from, before), update(to, after, old)],
        }
    }
}

impl<'a> Write<'a> {
    fn new(path: &'a FilePath, before: Option<&'a String>, after: Option<&'a String>) -> Self {
        Self {
            path,
            before: before.map(String::as_str),
            after: after.map(String::as_str),
            origin: None,
        }
    }
}

impl Net {
    /// `moved` is what was in the file at its origin, if it was moved from there.
    fn into_change(self, moved: Option<String>) -> Option<Change> {
        let path = self.path;
        let stayed = self.origin.as_ref() == Some(&path);
        Some(match (moved, self.before, self.after) {
            (Some(before), overwritten, Some(after)) => Change::Move {
                from: self.origin?,
                to: path,
                before,
                after,
                overwritten,
            },
            (None, Some(before), Some(after)) if stayed => Change::Update {
                path,
                before,
                after,
            },
            (_, overwritten, Some(content)) => Change::Add {
                path,
                content,
                overwritten,
            },
            (_, Some(content), None) => Change::Delete { path, content },
            // Made and deleted again.
            (_, None, None) => return None,
        })
    }
}
