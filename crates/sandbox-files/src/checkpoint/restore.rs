//! Comparing the files with a checkpoint, and making them what it has.

use super::{
    Content, Difference, Limits, Restored,
    kept::{Entry, Kept, Lacks, Manifest},
    walk::{self, Found},
};
use crate::{
    beneath, error::FileError, mutate, path::WorkspacePath, stage::Staged, workspace::Inner,
};
use domain::{ChangeKind, FileChange};
use runner_api::files::content_hash;
use rustix::{
    fs::{self, AtFlags, Mode},
    io::Errno,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    io::Write as _,
};

/// What differs, by path.
type Differing<'a> = BTreeMap<String, Differs<'a>>;

/// How a file is not any more as a checkpoint has it.
enum Differs<'a> {
    /// There was none.
    New,
    /// There was none, and what is there is too large to be looked into.
    Large,
    /// There is none any more.
    Gone(&'a Entry),
    /// It has another content, or only another mode: the one it has now is given.
    Changed {
        entry: &'a Entry,
        mode: u32,
        content: bool,
    },
    /// The checkpoint has left it out.
    LeftOut { there: bool },
}

fn differing<'a>(
    workspace: &Inner,
    limits: &Limits,
    manifest: &'a Manifest,
) -> Result<Differing<'a>, FileError> {
    let mut there = BTreeSet::new();
    let mut differing = Differing::new();
    for found in walk::all(workspace, limits)?.files {
        let differs = match manifest.files.get(&found.path) {
            Some(entry) => {
                let differs = changed(workspace, limits, entry, &found)?;
                differs.map(|differs| (found.path.clone(), differs))
            }
            None => unknown(limits, manifest.lacks.as_ref(), &found),
        };
        there.insert(found.path);
        differing.extend(differs);
    }
    for (path, entry) in &manifest.files {
        if !there.contains(path) {
            differing.insert(path.clone(), Differs::Gone(entry));
        }
    }
    let left_out = manifest.lacks.iter().flat_map(|lacks| lacks.files.keys());
    for path in left_out.filter(|path| !there.contains(*path)) {
        differing.insert(path.clone(), Differs::LeftOut { there: false });
    }
    Ok(differing)
}

/// How a file differs from what a checkpoint has of it.
fn changed<'a>(
    workspace: &Inner,
    limits: &Limits,
    entry: &'a Entry,
    found: &Found,
) -> Result<Option<Differs<'a>>, FileError> {
    if entry.seen == beneath::seen(&found.stat) {
        return Ok(None);
    }
    let read = walk::read(workspace, &found.path, limits.file_bytes)?;
    let content = read.is_none_or(|(content, _)| content_hash(&content) != entry.hash);
    let mode = walk::mode(&found.stat);
    let differs = content || mode != entry.mode;
    Ok(differs.then_some(Differs::Changed {
        entry,
        mode,
        content,
    }))
}

/// What a file is that a checkpoint does not have, and where that is said.
fn unknown<'a>(
    limits: &Limits,
    lacks: Option<&Lacks>,
    found: &Found,
) -> Option<(String, Differs<'a>)> {
    let path = &found.path;
    let large = beneath::size(&found.stat) > limits.file_bytes;
    let Some(lacks) = lacks else {
        // It may be one that was left out.
        return (!large).then(|| (path.clone(), Differs::New));
    };
    let left_out = Differs::LeftOut { there: true };
    if let Some(seen) = lacks.files.get(path) {
        let same = *seen == beneath::seen(&found.stat);
        return (!same).then(|| (path.clone(), left_out));
    }
    if let Some(hidden) = lacks.hidden_at(path) {
        return Some((hidden.to_owned(), left_out));
    }
    let new = match large {
        true => Differs::Large,
        false => Differs::New,
    };
    Some((path.clone(), new))
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
        Some(content.map_or(Content::TooLarge, Content::Bytes))
    };
    let now = |path: &str| {
        let read = walk::read(workspace, path, limits.file_bytes)?;
        Ok::<_, FileError>(read.map(|(content, _)| content))
    };
    for (path, differs) in differing(workspace, limits, manifest)? {
        let mut modes = None;
        let (before, after) = match differs {
            Differs::New => (None, fits(now(&path)?)),
            Differs::Large => (None, Some(Content::TooLarge)),
            Differs::Gone(entry) => (fits(kept.get(&entry.hash)), None),
            Differs::Changed {
                entry,
                mode,
                content,
            } => {
                modes = (mode != entry.mode).then_some((entry.mode, mode));
                match content {
                    true => (fits(kept.get(&entry.hash)), fits(now(&path)?)),
                    false => (Some(Content::Same), Some(Content::Same)),
                }
            }
            Differs::LeftOut { there } => {
                (Some(Content::Unknown), there.then_some(Content::Unknown))
            }
        };
        differences.push(Difference {
            path: WorkspacePath::of_part(&path),
            before,
            after,
            modes,
        });
    }
    let missing =
        |side: &Option<Content>| matches!(side, Some(Content::TooLarge | Content::Unknown));
    let cut = differences
        .iter()
        .any(|one| missing(&one.before) || missing(&one.after));
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
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for (path, differs) in differing(workspace, limits, manifest)? {
        match differs {
            Differs::New => new.push(path),
            Differs::Gone(entry) => old.push((path, entry, ChangeKind::Created)),
            Differs::Changed { entry, .. } => old.push((path, entry, ChangeKind::Modified)),
            Differs::Large | Differs::LeftOut { .. } => restored.left_out.push(path),
        }
    }
    // What was made since goes first: it may stand where something was.
    for path in new {
        let at = WorkspacePath::of_part(&path);
        let done = match mutate::delete(workspace, &at, false) {
            // Somebody else was faster.
            Err(FileError::NotFound(_)) => Ok(()),
            done => done,
        };
        note(&mut restored, path, ChangeKind::Deleted, done);
    }
    for (path, entry, kind) in old {
        let done = match kept.get(&entry.hash) {
            Some(content) => write(workspace, &path, &content, entry.mode),
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
    let (above, name) = walk::split(path);
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
