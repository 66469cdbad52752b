//! Several files at once: all of them become what they shall be, or none.
//!
//! First every file is looked at, and every new content is put beside its place without a name.
//! Then the files take their places one by one, each in a way that can be taken back. If one
//! fails, or the process dies meanwhile, those before it are taken back: the [`journal`] knows them.

mod journal;
mod step;

use crate::{beneath, error::FileError, path::WorkspacePath, workspace::Inner};
use journal::{Found, Journal};
use runner_api::files::content_hash;
use rustix::{
    fd::{AsFd as _, OwnedFd},
    fs::{self, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{fs::File, io::Read as _};
use step::{Note, Step};

/// The largest file that is edited, in bytes: all of it is compared.
const LARGEST: u64 = 16 << 20;

/// What a file shall become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which.
    pub path: WorkspacePath,
    /// The [`content_hash`] of what must be in it; `None` where there must be no file.
    pub before: Option<String>,
    /// What shall be in it; `None` where there shall be no file.
    pub after: Option<Vec<u8>>,
    /// The file whose mode it takes, as that is before the edit; else it keeps its own.
    pub mode_of: Option<WorkspacePath>,
}

/// See [`crate::Workspace::edit`]. It is the caller's turn to edit.
pub(crate) fn edit(workspace: &Inner, edits: Vec<Edit>) -> Result<(), FileError> {
    settle(workspace)?;
    let mut known = Vec::with_capacity(edits.len());
    for edit in &edits {
        known.push(expect(workspace, edit)?);
    }
    let contents = edits.iter().filter_map(|edit| edit.after.as_ref());
    let size = contents.map(|content| content.len() as u64).sum();
    workspace.admit(size)?;
    let mut steps = Vec::with_capacity(edits.len());
    for (edit, there) in edits.into_iter().zip(known) {
        steps.push(Step::prepare(workspace, edit, there)?);
    }
    let notes: Vec<Note> = steps.iter().map(|step| step.note().clone()).collect();
    let journal = journal_of(workspace);
    journal.begin(&notes)?;
    let taken = steps.iter_mut().try_for_each(Step::take);
    if let Err(error) = taken.and_then(|()| journal.commit()) {
        take_back(workspace, &notes)?;
        journal.forget()?;
        return Err(error);
    }
    workspace.wrote(size);
    // The edit is done, whatever becomes of what it left: the next who settles finds that.
    if let Err(error) = clear(workspace, &notes).and_then(|()| journal.forget()) {
        tracing::warn!(%error, "what an edit left could not be removed");
    }
    Ok(())
}

/// Takes back, or clears away, what an edit left whose process died.
pub(crate) fn settle(workspace: &Inner) -> Result<(), FileError> {
    let journal = journal_of(workspace);
    match journal.found()? {
        None => return Ok(()),
        Some(Found::UnderWay(notes)) => take_back(workspace, &notes)?,
        Some(Found::Done(notes)) => clear(workspace, &notes)?,
    }
    journal.forget()
}

fn journal_of(workspace: &Inner) -> Journal<'_> {
    Journal(workspace.settings.journal.as_deref())
}

/// Makes all files what they were, as far as it can be done.
fn take_back(workspace: &Inner, notes: &[Note]) -> Result<(), FileError> {
    let mut left = Vec::new();
    for note in notes.iter().rev() {
        if let Err(errno) = note.take_back(workspace) {
            tracing::error!(%errno, "a file of an edit is not what it was");
            left.push(note.path());
        }
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(FileError::NotRestored(left.join(", "))),
    }
}

fn clear(workspace: &Inner, notes: &[Note]) -> Result<(), FileError> {
    let root = WorkspacePath::root();
    let cleared = notes.iter().try_for_each(|note| note.clear(workspace));
    cleared.map_err(FileError::at(&root))
}

/// A file as it was looked at.
struct Known {
    handle: OwnedFd,
    mode: Mode,
    seen: (u64, u64, i64, i64),
}

/// Looks whether a file is as the edit wants it to be before.
fn expect(workspace: &Inner, edit: &Edit) -> Result<Option<Known>, FileError> {
    let path = &edit.path;
    let Some((handle, stat)) = file_at(workspace, path)? else {
        return match edit.before {
            None => Ok(None),
            Some(_) => Err(changed(path)),
        };
    };
    let before = edit.before.as_deref().ok_or_else(|| changed(path))?;
    if hash_at(&handle, path)? != before {
        return Err(changed(path));
    }
    Ok(Some(Known {
        handle,
        mode: mode(&stat),
        seen: beneath::seen(&stat),
    }))
}

/// The mode of a file that another takes.
fn mode_at(workspace: &Inner, path: &WorkspacePath) -> Result<Mode, FileError> {
    let (_, stat) = file_at(workspace, path)?.ok_or_else(|| changed(path))?;
    Ok(mode(&stat))
}

fn mode(stat: &Stat) -> Mode {
    Mode::from_raw_mode(stat.st_mode & 0o777)
}

/// A handle on the file at the path, and what is known of it; nothing where nothing is there.
fn file_at(workspace: &Inner, path: &WorkspacePath) -> Result<Option<(OwnedFd, Stat)>, FileError> {
    let Some(handle) = handle_on(workspace, path)? else {
        return Ok(None);
    };
    let stat = beneath::stat_of(&handle).map_err(FileError::at(path))?;
    match beneath::kind(&stat) {
        FileType::RegularFile => Ok(Some((handle, stat))),
        FileType::Directory => Err(FileError::IsDirectory(path.to_string())),
        _ => Err(FileError::NotAFile(path.to_string())),
    }
}

/// A handle on what is at the path; a symlink at its end is not followed.
fn handle_on(workspace: &Inner, path: &WorkspacePath) -> Result<Option<OwnedFd>, FileError> {
    let Some((above, name)) = path.split() else {
        return Err(FileError::IsDirectory(path.to_string()));
    };
    let opened = beneath::open(workspace.root(), above, beneath::ANY_DIRECTORY)
        .and_then(|above| fs::openat(above, name, UNFOLLOWED, Mode::empty()));
    match opened {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(FileError::at(path)(errno)),
    }
}

/// Of what stands at a name, whatever it is.
const UNFOLLOWED: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn hash_at(handle: &OwnedFd, path: &WorkspacePath) -> Result<String, FileError> {
    let file = beneath::reopen(handle.as_fd(), OFlags::RDONLY).map_err(FileError::at(path))?;
    let mut content = Vec::new();
    let mut file = File::from(file).take(LARGEST + 1);
    file.read_to_end(&mut content)
        .map_err(FileError::io(path))?;
    if content.len() as u64 > LARGEST {
        return Err(FileError::TooLarge {
            what: path.to_string(),
            limit: LARGEST,
            unit: "bytes",
        });
    }
    Ok(content_hash(&content))
}

fn changed(path: &WorkspacePath) -> FileError {
    FileError::Changed(path.to_string())
}

#[cfg(test)]
mod tests;
