//! Checkpoints on disk: `NUMBER.json` is the list of one, `objects/HASH` a content.

use crate::{error::FileError, path::WorkspacePath};
use runner_api::{checkpoints::Gap, files::content_hash};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// A checkpoint, or the place of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Its place in time.
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) at: i64,
    pub(super) files: BTreeMap<String, Entry>,
    pub(super) left_out: usize,
    /// What it has left out. Of an older one that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lacks: Option<Lacks>,
    /// Why there is nothing in it, if it only keeps a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gap: Option<Gap>,
}

/// What a file was like when it was looked at: size, inode, and when it last changed in any way.
pub(super) type Seen = (u64, u64, i64, i64);

/// What was in a workspace and is not in its checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lacks {
    /// Files that were too large, or could not be read.
    pub(super) files: BTreeMap<String, Seen>,
    /// What could not be looked at: nothing is known of what is there, and below.
    pub(super) hidden: BTreeSet<String>,
}

/// A file in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) hash: String,
    pub(super) mode: u32,
    pub(super) seen: Seen,
}

impl Manifest {
    /// One that has nothing yet.
    pub(super) fn new(number: u64, name: String, at: i64) -> Self {
        Self {
            number,
            name,
            at,
            files: BTreeMap::new(),
            left_out: 0,
            lacks: None,
            gap: None,
        }
    }

    /// What keeps its place when nothing else of it is kept.
    pub(super) fn as_gap(&self, why: Gap) -> Self {
        Self {
            gap: Some(why),
            ..Self::new(self.number, self.name.clone(), self.at)
        }
    }

    /// Itself, unless it is a gap.
    fn whole(self) -> Result<Self, FileError> {
        match self.gap {
            None => Ok(self),
            Some(gap) => Err(FileError::NotKept(gap)),
        }
    }
}

impl Lacks {
    /// What could not be looked at and has this path in it, or is it.
    pub(super) fn hidden_at<'a>(&self, path: &'a str) -> Option<&'a str> {
        let ends = path.match_indices('/').map(|(end, _)| end);
        ends.chain([path.len()])
            .filter_map(|end| path.get(..end))
            .find(|above| self.hidden.contains(*above))
    }
}

/// Where they are kept.
pub(super) struct Kept<'a>(&'a Path);

impl<'a> Kept<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self(folder)
    }

    /// All of them and the gaps between them, oldest first.
    pub(super) fn list(&self) -> Result<Vec<Manifest>, FileError> {
        let entries = match fs::read_dir(self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let text = fs::read(&path).map_err(failed)?;
                let manifest: Manifest = serde_json::from_slice(&text)
                    .map_err(|error| failed(io::Error::other(error)))?;
                all.push(manifest);
            }
        }
        all.sort_by_key(|manifest| manifest.number);
        Ok(all)
    }

    pub(super) fn named(&self, name: &str) -> Result<Manifest, FileError> {
        let found = self.list()?.into_iter().find(|one| one.name == name);
        found
            .ok_or_else(|| FileError::NotFound("the checkpoint".to_owned()))?
            .whole()
    }

    pub(super) fn store(&self, manifest: &Manifest) -> Result<(), FileError> {
        let text = serde_json::to_vec(manifest);
        let text = text.map_err(|error| failed(io::Error::other(error)))?;
        self.prepare()?;
        write_whole(&self.manifest(manifest.number), &text)
    }

    pub(super) fn rename(&self, manifest: &Manifest, name: &str) -> Result<(), FileError> {
        let renamed = Manifest {
            name: name.to_owned(),
            ..manifest.clone()
        };
        self.store(&renamed)
    }

    pub(super) fn remove(&self, manifest: &Manifest) -> Result<(), FileError> {
        fs::remove_file(self.manifest(manifest.number)).map_err(failed)
    }

    /// Keeps a content, and returns its hash.
    pub(super) fn put(&self, content: &[u8]) -> Result<String, FileError> {
        let hash = content_hash(content);
        let object = self.object(&hash);
        if !object.exists() {
            self.prepare()?;
            write_whole(&object, content)?;
        }
        Ok(hash)
    }

    /// A content that is kept; nothing where it is lost.
    pub(super) fn get(&self, hash: &str) -> Option<Vec<u8>> {
        let content = fs::read(self.object(hash)).ok()?;
        // A crash may have left a part of it.
        (content_hash(&content) == hash).then_some(content)
    }

    /// Whether a content is kept.
    pub(super) fn has(&self, hash: &str) -> bool {
        self.object(hash).exists()
    }

    /// Removes contents that nothing needs.
    pub(super) fn sweep(&self, needed: &BTreeSet<&str>) -> Result<(), FileError> {
        for entry in fs::read_dir(self.0.join("objects")).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_str().is_none_or(|name| !needed.contains(name)) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn prepare(&self) -> Result<(), FileError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(self.0.join("objects")).map_err(failed)
    }

    fn manifest(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number}.json"))
    }

    fn object(&self, hash: &str) -> PathBuf {
        self.0.join("objects").join(hash)
    }
}

fn write_whole(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, content).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)
}

/// The disk failed us. The text names nothing of the host.
fn failed(error: io::Error) -> FileError {
    FileError::io(&WorkspacePath::root())(error)
}
