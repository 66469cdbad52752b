//! Checkpoints: what was in a workspace's files at a moment, kept beside it, to be compared with
//! what is in them now and to be put back.
//!
//! A checkpoint is a list of files with a hash of each, and a content is kept once however many
//! checkpoints have it. So one that differs little costs little. Files that did not change since the
//! newest one (by size, inode and the time that the kernel alone sets) are not read again.
//!
//! What is not in one: folders, symlinks, what is no file; names that are no UTF-8; files over
//! [`Limits::file_bytes`]; and what is in folders called as [`LEFT_OUT`].

mod kept;
mod restore;
mod walk;

use crate::{error::FileError, path::WorkspacePath, workspace::Workspace};
use domain::FileChange;
use kept::{Kept, Manifest};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Folders whose files are in no checkpoint: what tools made of other files, and can make again.
pub const LEFT_OUT: [&str; 5] = [".git", "node_modules", "target", "__pycache__", ".venv"];

/// How many checkpoints of a workspace are kept besides the first.
const KEPT: usize = 16;

/// How much a checkpoint may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files. 20,000.
    pub files: usize,
    /// Bytes of a file; a larger one is left out. 4 MiB.
    pub file_bytes: u64,
    /// Bytes of all files. 256 MiB.
    pub bytes: u64,
    /// Bytes of the contents that a comparison shows. 8 MiB.
    pub shown: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 20_000,
            file_bytes: 4 << 20,
            bytes: 256 << 20,
            shown: 8 << 20,
        }
    }
}

/// The checkpoints of one workspace. Clones are the same.
#[derive(Clone, Debug)]
pub struct Checkpoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    limits: Limits,
    /// One of them is taken or put back at a time.
    turn: Mutex<()>,
}

/// A checkpoint was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it was by this call.
    pub created: bool,
    /// How many files are in it.
    pub files: usize,
    /// How many files are not, because they are too large or their names are no UTF-8.
    pub left_out: usize,
}

/// A checkpoint that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it was called by whoever took it.
    pub name: String,
    /// When it was taken, in milliseconds since 1970.
    pub at: i64,
}

/// A file that is not any more as a checkpoint has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub path: WorkspacePath,
    /// What was in it; nothing where there was none.
    pub before: Option<Content>,
    /// What is in it.
    pub after: Option<Content>,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This.
    Bytes(Vec<u8>),
    /// More than is shown.
    TooLarge,
}

/// What came of putting a checkpoint back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// What was changed.
    pub changed: Vec<FileChange>,
    /// What could not be put back.
    pub left: Vec<String>,
}

impl Checkpoints {
    /// Those in `folder`, which no sandbox reaches; it is made when the first is taken.
    #[must_use]
    pub fn new(folder: PathBuf, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            folder,
            limits,
            turn: Mutex::default(),
        }))
    }

    /// Takes a checkpoint of that name, unless there is one. The oldest besides the first go.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] where the workspace has more than a checkpoint holds; others of the
    /// disk.
    pub async fn take(
        &self,
        workspace: &Workspace,
        name: &str,
        now: i64,
    ) -> Result<Taken, FileError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        workspace
            .blocking(move |workspace| {
                let _turn = inner.turn();
                let kept = Kept::new(&inner.folder);
                let all = kept.list()?;
                if let Some(known) = all.iter().find(|one| one.name == name) {
                    return Ok(Taken {
                        created: false,
                        files: known.files.len(),
                        left_out: known.left_out,
                    });
                }
                let earlier = all.last();
                let manifest = walk::take(workspace, &kept, &inner.limits, earlier, (name, now))?;
                kept.store(&manifest)?;
                let taken = Taken {
                    created: true,
                    files: manifest.files.len(),
                    left_out: manifest.left_out,
                };
                inner.prune(&kept)?;
                Ok(taken)
            })
            .await
    }

    /// All that are kept, oldest first.
    ///
    /// # Errors
    /// [`FileError`] of the disk.
    pub async fn list(&self, workspace: &Workspace) -> Result<Vec<Checkpoint>, FileError> {
        let inner = self.0.clone();
        workspace
            .blocking(move |_| {
                let all = Kept::new(&inner.folder).list()?.into_iter();
                Ok(all
                    .map(|one| Checkpoint {
                        name: one.name,
                        at: one.at,
                    })
                    .collect())
            })
            .await
    }

    /// What is not any more as the checkpoint has it, by path; and whether that is not all.
    ///
    /// # Errors
    /// [`FileError::NotFound`] where there is no such checkpoint; others of the disk.
    pub async fn compare(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<(Vec<Difference>, bool), FileError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        workspace
            .blocking(move |workspace| {
                let _turn = inner.turn();
                let kept = Kept::new(&inner.folder);
                let manifest = kept.named(&name)?;
                restore::compare(workspace, &kept, &inner.limits, &manifest)
            })
            .await
    }

    /// Makes the files what they were, as far as the checkpoint has them, and lets go of it and of
    /// those that were taken later.
    ///
    /// # Errors
    /// [`FileError::NotFound`] where there is no such checkpoint; others of the disk.
    pub async fn restore(&self, workspace: &Workspace, name: &str) -> Result<Restored, FileError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        workspace
            .blocking(move |workspace| {
                let _turn = inner.turn();
                let kept = Kept::new(&inner.folder);
                let manifest = kept.named(&name)?;
                let restored = restore::restore(workspace, &kept, &inner.limits, &manifest)?;
                let all = kept.list()?;
                let first = all.first().is_some_and(|first| first.name == name);
                let later = all.iter().skip_while(|one| one.name != name);
                // The first is what the whole session is compared with.
                for one in later.skip(usize::from(first)) {
                    kept.remove(one)?;
                }
                if first {
                    kept.rename(&manifest, FIRST)?;
                }
                Ok(restored)
            })
            .await
    }
}

/// What the first checkpoint is called once it was put back.
const FIRST: &str = "first";

impl Inner {
    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the oldest but the first, and what no checkpoint has any more.
    fn prune(&self, kept: &Kept<'_>) -> Result<(), FileError> {
        let all = kept.list()?;
        let over = all.len().saturating_sub(KEPT + 1);
        let (gone, rest): (Vec<_>, Vec<_>) = all
            .into_iter()
            .enumerate()
            .partition(|(place, _)| (1..=over).contains(place));
        for (_, one) in &gone {
            kept.remove(one)?;
        }
        if gone.is_empty() {
            return Ok(());
        }
        let hashes = |manifest: Manifest| manifest.files.into_values().map(|file| file.hash);
        let needed: BTreeSet<String> = rest.into_iter().flat_map(|(_, one)| hashes(one)).collect();
        kept.sweep(&needed)
    }
}
