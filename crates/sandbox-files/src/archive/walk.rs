//! The walk through what goes into an archive.

use super::{ignored::Rules, pack::Packer};
use crate::{
    beneath,
    error::FileError,
    listing::{below, names},
    path::WorkspacePath,
    workspace::Inner,
};
use rustix::{
    fd::{AsFd as _, BorrowedFd, OwnedFd},
    fs::{self, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    ffi::{CStr, CString},
    fs::File,
    io,
    rc::Rc,
    vec,
};

/// Packs what `top` is a handle on.
pub(super) fn pack(
    workspace: &Inner,
    root: &WorkspacePath,
    top: BorrowedFd<'_>,
    mut packer: Packer,
) -> Result<(), FileError> {
    let stat = beneath::stat_of(top).map_err(FileError::at(root))?;
    if beneath::kind(&stat) == FileType::Directory {
        let top = beneath::reopen(top, beneath::ANY_DIRECTORY).map_err(FileError::at(root))?;
        let mut walk = Walk {
            workspace,
            root,
            top,
            packer,
            bytes: 0,
            files: 0,
        };
        walk.all()?;
        packer = walk.packer;
    } else if beneath::kind(&stat) == FileType::RegularFile {
        let file = beneath::reopen(top, OFlags::RDONLY).map_err(FileError::at(root))?;
        let packed = packer.file(root.name().as_bytes(), &stat, File::from(file));
        packed.map_err(FileError::io(root))?;
    } else {
        return Err(FileError::NotAFile(root.to_string()));
    }
    packer.finish().map_err(FileError::io(root))
}

struct Walk<'a> {
    workspace: &'a Inner,
    root: &'a WorkspacePath,
    top: OwnedFd,
    packer: Packer,
    bytes: u64,
    files: u64,
}

/// How deep an archive goes: each level holds a descriptor and its rules.
const DEEPEST: usize = 64;

/// A directory that is being walked through.
struct Level {
    directory: OwnedFd,
    /// Its path below the top.
    path: CString,
    rules: Rc<Rules>,
    names: vec::IntoIter<CString>,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), FileError> {
        let above = self.rules_above()?;
        let top = self
            .enter(CString::default(), above)
            .map_err(FileError::at(self.root))?;
        let mut levels = vec![top];
        loop {
            let levels_open = levels.len();
            let Some(level) = levels.last_mut() else {
                return Ok(());
            };
            let Some(name) = level.names.next() else {
                levels.pop();
                continue;
            };
            if levels_open >= DEEPEST {
                return Err(too_large(DEEPEST as u64, "levels"));
            }
            let path = below(level.path.as_bytes(), name.as_bytes());
            let shown = self.root.join(&path.to_string_lossy());
            match self.one(level, &name, &path) {
                Ok(None) => {}
                Ok(Some(rules)) => match self.enter(path, Some(rules)) {
                    Ok(level) => levels.push(level),
                    // Moved, replaced or deleted since it was listed.
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                    Err(errno) => return Err(FileError::at(&shown)(errno)),
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(FileError::io(&shown)(error)),
            }
            self.check_limits()?;
        }
    }

    /// The rules of the directories above the top.
    fn rules_above(&self) -> Result<Option<Rc<Rules>>, FileError> {
        let (mut reached, mut rules) = (WorkspacePath::root(), None);
        for name in self.root.names() {
            let opened = beneath::open(
                self.workspace.root(),
                reached.as_str(),
                beneath::ANY_DIRECTORY,
            );
            let directory = opened.map_err(FileError::at(&reached))?;
            let read = Rules::read(&directory, &absolute(&reached, b""), rules);
            rules = Some(read.map_err(FileError::at(&reached))?);
            reached = reached.join(name);
        }
        Ok(rules)
    }

    fn enter(&self, path: CString, above: Option<Rc<Rules>>) -> Result<Level, Errno> {
        let directory = beneath::open_real(&self.top, path.as_c_str())?;
        let rules = Rules::read(&directory, &absolute(self.root, path.as_bytes()), above)?;
        let most = usize::try_from(self.workspace.settings.largest_archive.files);
        let (names, _) = names(
            &directory,
            most.unwrap_or(usize::MAX).saturating_add(1),
            |_| true,
        )?;
        Ok(Level {
            directory,
            path,
            rules,
            names: names.into_iter(),
        })
    }

    /// Packs what has that name. Of a directory it gives the rules for what is in it.
    fn one(&mut self, level: &Level, name: &CStr, path: &CString) -> io::Result<Option<Rc<Rules>>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = fs::openat(&level.directory, name, flags, Mode::empty())?;
        let stat = beneath::stat_of(&handle)?;
        let kind = beneath::kind(&stat);
        let full = absolute(self.root, path.as_bytes());
        let directory = kind == FileType::Directory;
        if level.rules.leave_out(&full, name.to_bytes(), directory) {
            return Ok(None);
        }
        self.files += 1;
        match kind {
            FileType::Directory => {
                self.packer.directory(path.as_bytes(), &stat)?;
                return Ok(Some(level.rules.clone()));
            }
            FileType::Symlink => {
                let target = fs::readlinkat(&handle, c"", Vec::new())?;
                self.packer
                    .symlink(path.as_bytes(), &stat, target.as_bytes())?;
            }
            FileType::RegularFile => self.file(handle.as_fd(), &stat, path)?,
            // Pipes, sockets and devices have no content that could be packed.
            _ => {}
        }
        Ok(None)
    }

    fn file(&mut self, handle: BorrowedFd<'_>, stat: &Stat, path: &CString) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(beneath::size(stat));
        if self.bytes > self.workspace.settings.largest_archive.bytes {
            // Said by `check_limits`, before anything of the file is packed.
            return Ok(());
        }
        let file = beneath::reopen(handle, OFlags::RDONLY)?;
        self.packer.file(path.as_bytes(), stat, File::from(file))
    }

    fn check_limits(&self) -> Result<(), FileError> {
        let most = self.workspace.settings.largest_archive;
        if self.bytes > most.bytes {
            return Err(too_large(most.bytes, "bytes"));
        }
        if self.files > most.files {
            return Err(too_large(most.files, "files"));
        }
        Ok(())
    }
}

fn too_large(limit: u64, unit: &'static str) -> FileError {
    let what = "the archive".to_owned();
    FileError::TooLarge { what, limit, unit }
}

/// A path from the workspace's root on, with a slash in front.
fn absolute(root: &WorkspacePath, path: &[u8]) -> Vec<u8> {
    let mut absolute = Vec::new();
    for part in [root.as_str().as_bytes(), path] {
        if !part.is_empty() {
            absolute.push(b'/');
            absolute.extend_from_slice(part);
        }
    }
    if absolute.is_empty() {
        absolute.push(b'/');
    }
    absolute
}
