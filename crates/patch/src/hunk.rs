//! A patch as it was read.

use crate::{
    FilePath, Limits, ParseError, Rules,
    apply::{self, ApplyError, Files},
    changes::Changes,
    parse,
};
use std::collections::BTreeMap;

/// A patch that is well formed and stays inside of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    pub(crate) hunks: Vec<Hunk>,
    pub(crate) limits: Limits,
}

/// What [`Patch::apply`] has to know about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Whether it is a folder, something else, or nothing: a file is to be below it.
    Kind,
    /// The whole content of the file, if there is one.
    Content,
}

impl Patch {
    /// Reads a patch by the default [`Rules`].
    ///
    /// # Errors
    /// Where it is malformed, too large, or a path in it leaves the workspace.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::parse_by(text, &Rules::default())
    }

    /// Reads a patch.
    ///
    /// # Errors
    /// Where it is malformed, too large, or a path in it leaves the workspace.
    pub fn parse_by(text: &str, rules: &Rules) -> Result<Self, ParseError> {
        parse::parse(text, rules)
    }

    /// What has to be known of which path before the patch can be applied.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<FilePath, Need> {
        let mut paths = BTreeMap::new();
        let mut need = |path: FilePath, need: Need| {
            let known = paths.entry(path).or_insert(need);
            *known = (*known).max(need);
        };
        for hunk in &self.hunks {
            let made = match &hunk.action {
                Action::Add { .. } => Some(&hunk.path),
                Action::Update { move_to, .. } => move_to.as_ref(),
                Action::Delete => None,
            };
            for folder in made.into_iter().flat_map(FilePath::parents) {
                need(folder, Need::Kind);
            }
            for path in made.into_iter().chain([&hunk.path]) {
                need(path.clone(), Need::Content);
            }
        }
        paths
    }

    /// Computes what the patch changes. `files` has an entry for each of [`Patch::paths`].
    ///
    /// Nothing is written: whoever writes the result makes sure that the files are still as
    /// they were read, and writes all or none.
    ///
    /// # Errors
    /// Where any of its hunks does not fit the files; then nothing is to be changed.
    pub fn apply(&self, files: &Files) -> Result<Changes, ApplyError> {
        apply::apply(self, files)
    }
}

/// What is done to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The line of its header, from 1.
    pub(crate) line: usize,
    pub(crate) path: FilePath,
    pub(crate) action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The whole content of a new file.
    Add {
        content: String,
    },
    Delete,
    Update {
        move_to: Option<FilePath>,
        chunks: Vec<Chunk>,
    },
}

/// Lines of a file that stand together, and what becomes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The line that it begins at, from 1.
    pub(crate) line: usize,
    /// The lines to be found one after the other before its own are looked for.
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) lines: Vec<ChunkLine>,
    /// Its lines are the file's last.
    pub(crate) at_end: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) line: usize,
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChunkLine {
    Context(String),
    Remove(String),
    Add(String),
}

impl ChunkLine {
    /// The line as the file has it now, if it has it.
    pub(crate) fn old(&self) -> Option<&str> {
        match self {
            Self::Context(text) | Self::Remove(text) => Some(text),
            Self::Add(_) => None,
        }
    }
}
