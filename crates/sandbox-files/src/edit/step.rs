//! One file of an edit, on its way to what it shall be.

use super::{Edit, Known, changed, mode_at};
use crate::{
    beneath,
    error::FileError,
    mutate,
    path::WorkspacePath,
    stage::{Staged, new_name},
    workspace::Inner,
};
use rustix::{
    fd::{AsFd as _, OwnedFd},
    fs::{self, AtFlags, CWD, Mode},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{ffi::CString, io::Write as _};

/// What is known of a step on the disk, so that it can be taken back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The path of the directory.
    above: String,
    /// The file's name there.
    name: String,
    /// The name under which the old file is kept, from before it loses its own.
    kept: String,
    /// The name that the new file has before it gets its own; one that is new keeps it besides.
    fresh: String,
}

/// A file that is ready to take its place.
pub(super) struct Step {
    note: Note,
    path: WorkspacePath,
    directory: OwnedFd,
    there: Option<Known>,
    staged: Option<Staged>,
    /// What the new file's mode shall be, if it is not that of any new file.
    mode: Option<Mode>,
}

impl Step {
    /// Puts the new content beside its place, without a name.
    pub(super) fn prepare(
        workspace: &Inner,
        edit: Edit,
        there: Option<Known>,
    ) -> Result<Self, FileError> {
        let mode = match &edit.mode_of {
            Some(other) => Some(mode_at(workspace, other)?),
            None => there.as_ref().map(|there| there.mode),
        };
        let path = edit.path;
        let Some((above, name)) = path.split() else {
            return Err(FileError::IsDirectory(path.to_string()));
        };
        let note = Note {
            above: above.to_owned(),
            name: name.to_owned(),
            kept: new_name(),
            fresh: new_name(),
        };
        let directory = mutate::directory_for(workspace, &WorkspacePath::of_part(above))?;
        let staged = match edit.after {
            None => None,
            Some(content) => {
                let beside = directory.try_clone().map_err(FileError::io(&path))?;
                let staged = Staged::new(workspace, beside).map_err(FileError::at(&path))?;
                (&staged.file)
                    .write_all(&content)
                    .map_err(FileError::io(&path))?;
                Some(staged)
            }
        };
        Ok(Self {
            note,
            path,
            directory,
            there,
            staged,
            mode,
        })
    }

    pub(super) fn note(&self) -> &Note {
        &self.note
    }

    /// The file becomes what it shall be, while it is still what was looked at. When it returns,
    /// that outlasts a crash.
    pub(super) fn take(&mut self) -> Result<(), FileError> {
        if let Some(there) = &self.there {
            let stat = beneath::stat_of(&there.handle).map_err(FileError::at(&self.path))?;
            if beneath::seen(&stat) != there.seen {
                return Err(changed(&self.path));
            }
            // Not by its name, which may stand for another file by now.
            let path = beneath::own_path(there.handle.as_fd());
            fs::linkat(
                CWD,
                path,
                &self.directory,
                &*self.note.kept,
                AtFlags::SYMLINK_FOLLOW,
            )
            .map_err(FileError::at(&self.path))?;
        }
        if let Some(staged) = self.staged.take() {
            let fresh = CString::new(&*self.note.fresh).map_err(|_| crate::path::PathError::Nul)?;
            let published = staged.publish(&fresh, self.mode, false);
            published.map_err(FileError::io(&self.path))?;
        }
        self.name().map_err(|errno| match errno {
            // Something came or went where the file was to be.
            Errno::EXIST | Errno::NOENT => changed(&self.path),
            errno => FileError::at(&self.path)(errno),
        })?;
        fs::fsync(&self.directory).map_err(FileError::at(&self.path))
    }

    /// Gives the new file the name, or takes it from the old one.
    fn name(&self) -> Result<(), Errno> {
        let (directory, name) = (&self.directory, &*self.note.name);
        let fresh = &*self.note.fresh;
        match (&self.there, beneath::stat(directory, fresh)) {
            (Some(_), Ok(_)) => fs::renameat(directory, fresh, directory, name),
            (None, Ok(_)) => fs::linkat(directory, fresh, directory, name, AtFlags::empty()),
            (Some(_), Err(Errno::NOENT)) => fs::unlinkat(directory, name, AtFlags::empty()),
            (None, Err(Errno::NOENT)) => Ok(()),
            (_, Err(errno)) => Err(errno),
        }
    }
}

impl Note {
    /// Makes the file what it was before the step, however much of it was done.
    pub(super) fn take_back(&self, workspace: &Inner) -> Result<(), Errno> {
        let Some(directory) = self.directory(workspace)? else {
            return Ok(());
        };
        let file = |name: &str| match beneath::stat(&directory, name) {
            Ok(stat) => Ok(Some((stat.st_dev, stat.st_ino))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        };
        let fresh = file(&self.fresh)?;
        if file(&self.kept)?.is_some() {
            // Does nothing where both are the same file.
            fs::renameat(&directory, &*self.kept, &directory, &*self.name)?;
        } else if fresh.is_some() && fresh == file(&self.name)? {
            fs::unlinkat(&directory, &*self.name, AtFlags::empty())?;
        }
        self.clear(workspace)
    }

    /// Removes what is left when the step is done, or taken back.
    pub(super) fn clear(&self, workspace: &Inner) -> Result<(), Errno> {
        let Some(directory) = self.directory(workspace)? else {
            return Ok(());
        };
        for name in [&self.kept, &self.fresh] {
            match fs::unlinkat(&directory, &**name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno),
            }
        }
        fs::fsync(&directory)
    }

    /// The path of the file.
    pub(super) fn path(&self) -> String {
        WorkspacePath::of_part(&self.above)
            .join(&self.name)
            .to_string()
    }

    /// The directory, unless it is gone with all that was in it.
    fn directory(&self, workspace: &Inner) -> Result<Option<OwnedFd>, Errno> {
        match beneath::open(workspace.root(), &*self.above, beneath::ANY_DIRECTORY) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}
