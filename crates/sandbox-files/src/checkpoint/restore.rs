//! Comparing the files with a checkpoint, and making them what it has.

use super::{
    Content, Difference, Limits, Restored,
    kept::{Entry, Kept, Manifest, hash_of},
    walk,
};
use crate::{
    beneath, error::FileError, mutate, path::WorkspacePath, stage::Staged, workspace::Inner,
};
use domain::{ChangeKind, FileChange};
use rustix::{
    fs::{self, AtFlags, Mode},
    io::Errno,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    io::Write as _,
};

/// What differs, by path: the entry of the checkpoint, and whether there is a file now.
type Differing<'a> = BTreeMap<String, (Option<&'a Entry>, bool)>;

fn differing<'a>(
    workspace: &Inner,
    limits: &Limits,
    manifest: &'a Manifest,
) -> Result<Differing<'a>, FileError> {
    let mut there = BTreeSet::new();
    let mut differing = Differing::new();
    for found in walk::all(workspace, limits)?.files {
        let entry = manifest.files.get(&found.path);
        there.insert(found.path.clone());
        let same = match entry {
            Some(entry) if entry.seen == walk::seen(&found.stat) => true,
            Some(entry) => walk::read(workspace, &found.path, limits.file_bytes)?
                .is_some_and(|(content, _)| hash_of(&content) == entry.hash),
            // It was left out then, and nothing is known of it.
            None => beneath::size(&found.stat) > limits.file_bytes,
        };
        if !same {
            differing.insert(found.path, (entry, true));
        }
    }
    for (path, entry) in &manifest.files {
        if !there.contains(path) {
            differing.insert(path.clone(), (Some(entry), false));
        }
    }
    Ok(differing)
}

/// See [`super::Checkpoints::compare`].
pub(super) fn compare(
    workspace: &Inner,
    kept: &Kept<'_>,
    limits: &Limits,
    manifest: &Manifest,
) -> Result<(Vec<Difference>, bool), FileError> {
    let mut differences = Vec::new();
    let mut left = limits.shown;
    let mut fits = |content: Option<Vec<u8>>| {
        let content = content.filter(|content| {
            let size = content.len() as u64;
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        });
        content.map_or(Content::TooLarge, Content::Bytes)
    };
    for (path, (entry, there)) in differing(workspace, limits, manifest)? {
        let before = entry.map(|entry| fits(kept.get(&entry.hash)));
        let after = match there {
            true => {
                let read = walk::read(workspace, &path, limits.file_bytes)?;
                Some(fits(read.map(|(content, _)| content)))
            }
            false => None,
        };
        differences.push(Difference {
            path: WorkspacePath::of_part(&path),
            before,
            after,
        });
    }
    let too_large = Some(Content::TooLarge);
    let cut = differences
        .iter()
        .any(|one| one.before == too_large || one.after == too_large);
    Ok((differences, cut))
}

/// See [`super::Checkpoints::restore`].
pub(super) fn restore(
    workspace: &Inner,
    kept: &Kept<'_>,
    limits: &Limits,
    manifest: &Manifest,
) -> Result<Restored, FileError> {
    let mut restored = Restored::default();
    // What was made since goes first: it may stand where something was.
    let (old, new): (Vec<_>, Vec<_>) = differing(workspace, limits, manifest)?
        .into_iter()
        .partition(|(_, (entry, _))| entry.is_some());
    for (path, _) in new {
        let at = WorkspacePath::of_part(&path);
        let done = mutate::delete(workspace, &at, false);
        note(&mut restored, path, ChangeKind::Deleted, done);
    }
    for (path, (entry, there)) in old {
        let kind = match there {
            true => ChangeKind::Modified,
            false => ChangeKind::Created,
        };
        let content = entry.and_then(|entry| Some((kept.get(&entry.hash)?, entry.mode)));
        let done = match content {
            Some((content, mode)) => write(workspace, &path, &content, mode),
            None => Err(FileError::NotFound(path.clone())),
        };
        note(&mut restored, path, kind, done);
    }
    Ok(restored)
}

fn note(restored: &mut Restored, path: String, kind: ChangeKind, done: Result<(), FileError>) {
    match done {
        Ok(()) => restored.changed.push(FileChange { path, kind }),
        Err(error) => {
            tracing::warn!(?error, "a file is not put back");
            restored.left.push(path);
        }
    }
}

fn write(workspace: &Inner, path: &str, content: &[u8], mode: u32) -> Result<(), FileError> {
    let at = WorkspacePath::of_part(path);
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    // Not through a symlink that stands where a folder was.
    match beneath::open_real(workspace.root(), above) {
        Ok(_) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(FileError::at(&at)(errno)),
    }
    let directory = mutate::directory_for(workspace, &WorkspacePath::of_part(above))?;
    let directory_now = directory.try_clone().map_err(FileError::io(&at))?;
    let mut staged = Staged::new(workspace, directory).map_err(FileError::at(&at))?;
    staged.file.write_all(content).map_err(FileError::io(&at))?;
    let name = CString::new(name).map_err(|_| crate::path::PathError::Nul)?;
    // A folder that was made where the file was, if nothing is in it any more.
    match fs::unlinkat(&directory_now, &name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY) => {}
        Err(errno) => return Err(FileError::at(&at)(errno)),
    }
    let mode = Some(Mode::from_raw_mode(mode));
    staged
        .publish(&name, mode, true)
        .map_err(FileError::io(&at))?;
    Ok(())
}
