//! What is under way of an edit, noted where no sandbox reaches it.
//!
//! While the journal is there the edit is not done, and whoever finds it takes it back. The edit is
//! done when the journal gets its second name; then only leftovers are to be removed.

use super::step::Note;
use crate::{error::FileError, path::WorkspacePath};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Where an edit is noted; nowhere, if a crash need not be survived.
pub(super) struct Journal<'a>(pub(super) Option<&'a Path>);

/// An edit whose process died.
pub(super) enum Found {
    /// It is to be taken back.
    UnderWay(Vec<Note>),
    /// What it left is to be removed.
    Done(Vec<Note>),
}

impl Journal<'_> {
    /// Notes what is about to be done. When it returns, that outlasts a crash.
    pub(super) fn begin(&self, notes: &[Note]) -> Result<(), FileError> {
        let Some(file) = self.0 else {
            return Ok(());
        };
        let text = serde_json::to_vec(notes).map_err(|error| failed(error.into()))?;
        let write = || {
            let mut file = File::create(file)?;
            file.write_all(&text)?;
            file.sync_all()
        };
        write().map_err(failed)?;
        sync_folder_of(file)
    }

    /// From now on the edit is done. When it returns, that outlasts a crash.
    pub(super) fn commit(&self) -> Result<(), FileError> {
        let Some(file) = self.0 else {
            return Ok(());
        };
        fs::rename(file, done(file)).map_err(failed)?;
        sync_folder_of(file)
    }

    /// Nothing of the edit is left.
    pub(super) fn forget(&self) -> Result<(), FileError> {
        let Some(file) = self.0 else {
            return Ok(());
        };
        for file in [file, &done(file)] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// What an edit left whose process died.
    pub(super) fn found(&self) -> Result<Option<Found>, FileError> {
        let Some(file) = self.0 else {
            return Ok(None);
        };
        if let Some(notes) = read(&done(file))? {
            return Ok(Some(Found::Done(notes)));
        }
        Ok(read(file)?.map(Found::UnderWay))
    }
}

fn done(file: &Path) -> PathBuf {
    file.with_extension("done")
}

fn read(file: &Path) -> Result<Option<Vec<Note>>, FileError> {
    let text = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(failed)?,
    };
    // Of one that was not written to its end nothing was begun.
    Ok(Some(serde_json::from_slice(&text).unwrap_or_default()))
}

fn sync_folder_of(file: &Path) -> Result<(), FileError> {
    let folder = file.parent().unwrap_or(file);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// The disk failed us. The text names nothing of the host.
fn failed(error: io::Error) -> FileError {
    FileError::io(&WorkspacePath::root())(error)
}
