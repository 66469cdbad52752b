//! Checkpoints: what was in a workspace's files at a moment, kept beside it, to be compared with
//! what is in them now and to be put back.
//!
//! A checkpoint is a list of files with a hash of each, and a content is kept once however many
//! checkpoints have it. So one that differs little costs little. Files that did not change since the
//! newest one (by size, inode and the time that the kernel alone sets) are not read again.
//!
//! What is not in one: folders, symlinks, what is no file; names that are no UTF-8; files that
//! cannot be read or are over [`Limits::file_bytes`], and what is in folders that cannot be looked
//! into; and what is in folders called as [`LEFT_OUT`].
//!
//! Invariants: a file that a checkpoint has left out is never touched when that is put back; where a
//! checkpoint could not be taken, or is not kept any more, a [`Gap`] stands in its place, so that
//! nobody takes the one before it for it.

mod kept;
mod restore;
mod walk;

use crate::{edit, error::FileError, path::WorkspacePath, turn::Turns, workspace::Workspace};
use domain::FileChange;
use kept::{Kept, Manifest};
use runner_api::checkpoints::{FIRST, Gap};
use std::{path::PathBuf, sync::Arc};

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
    /// One of them is taken, read or put back at a time.
    turns: Turns,
}

/// A checkpoint was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it was by this call.
    pub created: bool,
    /// How many files are in it.
    pub files: usize,
    /// How many files are not, because they are too large, cannot be read or have names that are no
    /// UTF-8.
    pub left_out: usize,
}

/// A checkpoint that is kept, or a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it was called by whoever took it.
    pub name: String,
    /// When it was taken, in milliseconds since 1970.
    pub at: i64,
    /// Why nothing is kept of it, if nothing is.
    pub gap: Option<Gap>,
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
    /// The permissions that it had and those that it has, where they are others.
    pub modes: Option<(u32, u32)>,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// This.
    Bytes(Vec<u8>),
    /// The same before and after.
    Same,
    /// More than is shown.
    TooLarge,
    /// The checkpoint has left the file out: nobody knows what became of it.
    Unknown,
}

/// What came of putting a checkpoint back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// What was changed.
    pub changed: Vec<FileChange>,
    /// What could not be put back.
    pub left: Vec<String>,
    /// What the checkpoint does not have, and what may not be as it was: it is as it is.
    pub left_out: Vec<String>,
}

impl Checkpoints {
    /// Those in `folder`, which no sandbox reaches; it is made when the first is taken.
    #[must_use]
    pub fn new(folder: PathBuf, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            folder,
            limits,
            turns: Turns::default(),
        }))
    }

    /// Takes a checkpoint of that name, unless there is one. The oldest besides the first go. Where
    /// it cannot be taken, a gap is in its place from then on.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] where the workspace has more than a checkpoint holds;
    /// [`FileError::NotKept`] where there is a gap of that name; [`FileError::Busy`] where too many
    /// wait already; others of the disk.
    pub async fn take(
        &self,
        workspace: &Workspace,
        name: &str,
        now: i64,
    ) -> Result<Taken, FileError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        let turn = self.0.turns.take().await?;
        workspace
            .blocking(move |workspace| {
                let _turn = turn;
                let kept = Kept::new(&inner.folder);
                let all = kept.list()?;
                if all.iter().any(|one| one.name == name) {
                    return Ok(taken(false, &kept.named(&name)?));
                }
                let earlier = all.iter().rfind(|one| one.gap.is_none());
                let number = all.last().map_or(1, |last| last.number + 1);
                let new = Manifest::new(number, name, now);
                let filled = walk::take(workspace, &kept, &inner.limits, earlier, new.clone());
                let stored = filled.and_then(|filled| kept.store(&filled).map(|()| filled));
                let manifest = stored.inspect_err(|error| inner.skip(&kept, &new, error))?;
                inner.prune(&kept)?;
                Ok(taken(true, &manifest))
            })
            .await
    }

    /// All that are kept and the gaps between them, oldest first.
    ///
    /// # Errors
    /// [`FileError::Busy`] where too many wait already; others of the disk.
    pub async fn list(&self, workspace: &Workspace) -> Result<Vec<Checkpoint>, FileError> {
        let inner = self.0.clone();
        let turn = self.0.turns.take().await?;
        workspace
            .blocking(move |_| {
                let _turn = turn;
                let all = Kept::new(&inner.folder).list()?.into_iter();
                Ok(all
                    .map(|one| Checkpoint {
                        name: one.name,
                        at: one.at,
                        gap: one.gap,
                    })
                    .collect())
            })
            .await
    }

    /// What is not any more as the checkpoint has it, by path, as `shown` shows it; and whether that
    /// is not all. Showing may take its time: it has the same turn.
    ///
    /// # Errors
    /// [`FileError::NotFound`] where there is no such checkpoint; [`FileError::NotKept`] where it is
    /// a gap; [`FileError::Busy`] where too many wait already; others of the disk.
    pub async fn compare<T: Send + 'static>(
        &self,
        workspace: &Workspace,
        name: &str,
        shown: impl FnOnce(Vec<Difference>) -> T + Send + 'static,
    ) -> Result<(T, bool), FileError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        let turn = self.0.turns.take().await?;
        workspace
            .blocking(move |workspace| {
                let _turn = turn;
                let kept = Kept::new(&inner.folder);
                let manifest = kept.named(&name)?;
                let compared = restore::compare(workspace, &kept, &inner.limits, &manifest);
                let (differences, cut) = compared?;
                Ok((shown(differences), cut))
            })
            .await
    }

    /// Makes the files what they were, as far as the checkpoint has them. If all of them are, it
    /// lets go of it and of those that were taken later; else it can be put back again. No edit is
    /// written meanwhile.
    ///
    /// # Errors
    /// [`FileError::NotFound`] where there is no such checkpoint; [`FileError::NotKept`] where it is
    /// a gap; [`FileError::Busy`] where too many wait already, here or to edit; others of the disk.
    pub async fn restore(&self, workspace: &Workspace, name: &str) -> Result<Restored, FileError> {
        let (inner, name) = (self.0.clone(), name.to_owned());
        let turn = self.0.turns.take().await?;
        let editing = workspace.inner().editing.take().await?;
        workspace
            .blocking(move |workspace| {
                let _turns = (turn, editing);
                let kept = Kept::new(&inner.folder);
                let manifest = kept.named(&name)?;
                // Whoever takes back what an edit left would do so over what is put back now.
                edit::settle(workspace)?;
                let restored = restore::restore(workspace, &kept, &inner.limits, &manifest)?;
                if restored.left.is_empty() {
                    let_go(&kept, &manifest)?;
                }
                Ok(restored)
            })
            .await
    }
}

fn taken(created: bool, manifest: &Manifest) -> Taken {
    Taken {
        created,
        files: manifest.files.len(),
        left_out: manifest.left_out,
    }
}

/// Removes a checkpoint that was put back, and those that were taken later.
fn let_go(kept: &Kept<'_>, manifest: &Manifest) -> Result<(), FileError> {
    let all = kept.list()?;
    let first = all.iter().find(|one| one.gap.is_none());
    // It is what the whole session is compared with.
    let stays = first.is_some_and(|first| first.number == manifest.number);
    let gone = |one: &&Manifest| match stays {
        true => one.number > manifest.number,
        false => one.number >= manifest.number,
    };
    // The newest first: whatever is left of them, the next to be put back is not a later one.
    for one in all.iter().rev().filter(gone) {
        kept.remove(one)?;
    }
    match stays {
        true => kept.rename(manifest, FIRST),
        false => Ok(()),
    }
}

impl Inner {
    /// Leaves a gap where a checkpoint was to be. That there is none is told in any case.
    fn skip(&self, kept: &Kept<'_>, manifest: &Manifest, why: &FileError) {
        let gap = match why {
            FileError::TooLarge { .. } => Gap::TooMuch,
            _ => Gap::Failed,
        };
        let skipped = kept.store(&manifest.as_gap(gap));
        if let Err(error) = skipped.and_then(|()| self.prune(kept)) {
            tracing::error!(?error, "a checkpoint that could not be taken leaves no gap");
        }
    }

    /// Removes the oldest but the first, which leaves a gap, and what no checkpoint has any more.
    fn prune(&self, kept: &Kept<'_>) -> Result<(), FileError> {
        let mut all = kept.list()?;
        let held = all.iter_mut().filter(|one| one.gap.is_none());
        let held: Vec<&mut Manifest> = held.collect();
        let over = held.len().saturating_sub(KEPT + 1);
        for one in held.into_iter().skip(1).take(over) {
            *one = one.as_gap(Gap::Pruned);
            kept.store(one)?;
        }
        // Of gaps in a row the newest says it all.
        for (one, next) in all.iter().zip(all.iter().skip(1)) {
            if one.gap.is_some() && next.gap.is_some() {
                kept.remove(one)?;
            }
        }
        let files = all.iter().flat_map(|one| one.files.values());
        kept.sweep(&files.map(|file| file.hash.as_str()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use std::fs;

    #[tokio::test]
    async fn one_is_put_back_when_nobody_edits() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("workspace");
        fs::create_dir(&root).unwrap();
        let workspace = Workspace::open(&root, Settings::default()).unwrap();
        let kept = Checkpoints::new(folder.path().join("checkpoints"), Limits::default());
        let file = root.join("file");
        fs::write(&file, "before").unwrap();
        kept.take(&workspace, "run", 0).await.unwrap();
        fs::write(&file, "another").unwrap();
        let editing = workspace.inner().editing.take().await.unwrap();
        let mut restoring = Box::pin(kept.restore(&workspace, "run"));
        assert!(futures::poll!(&mut restoring).is_pending());
        assert_eq!(fs::read_to_string(&file).unwrap(), "another");
        drop(editing);
        restoring.await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    }
}
