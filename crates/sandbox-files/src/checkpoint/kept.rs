//! Checkpoints on disk: `NUMBER.json` is the list of one, `objects/HASH` a content.

use crate::{error::FileError, path::WorkspacePath};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Its place in time.
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) at: i64,
    pub(super) files: BTreeMap<String, Entry>,
    pub(super) left_out: usize,
}

/// A file in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) hash: String,
    pub(super) mode: u32,
    /// What the file was like when it was read: size, inode, and when it last changed in any way.
    pub(super) seen: (u64, u64, i64, i64),
}

/// Where they are kept.
pub(super) struct Kept<'a>(&'a Path);

impl<'a> Kept<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self(folder)
    }

    /// All of them, oldest first.
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
        found.ok_or_else(|| FileError::NotFound("the checkpoint".to_owned()))
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
        let hash = hash_of(content);
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
        (hash_of(&content) == hash).then_some(content)
    }

    /// Whether a content is kept.
    pub(super) fn has(&self, hash: &str) -> bool {
        self.object(hash).exists()
    }

    /// Removes contents that nothing needs.
    pub(super) fn sweep(&self, needed: &BTreeSet<String>) -> Result<(), FileError> {
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

pub(super) fn hash_of(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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
