//! A file that is being written: nobody sees it until it is whole, and nothing is left of it if it
//! never is.

use crate::{beneath, path::UNFINISHED, workspace::Inner};
use rustix::{
    fd::{AsFd as _, OwnedFd},
    fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags, Stat},
    io::Errno,
};
use std::{
    ffi::{CStr, CString},
    fs::File,
    io, process,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

/// How often another name is tried.
const TRIES: usize = 64;

/// The mode of a file that is new.
const MODE: Mode = Mode::from_raw_mode(0o644);

/// How every such file is opened.
const OPEN: OFlags = OFlags::RDWR.union(OFlags::CLOEXEC);

/// An unfinished file in the directory where it shall be.
#[derive(Debug)]
pub(crate) struct Staged {
    directory: OwnedFd,
    pub(crate) file: File,
    /// Its name until it is finished, where the file system has no files without names, and in the
    /// moment before it replaces another.
    name: Option<CString>,
}

impl Staged {
    pub(crate) fn new(workspace: &Inner, directory: OwnedFd) -> Result<Self, Errno> {
        let unnamed = fs::openat(&directory, c".", OPEN | OFlags::TMPFILE, MODE);
        let staged = match unnamed {
            Ok(file) => Self {
                directory,
                file: file.into(),
                name: None,
            },
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Self::named(directory)?,
            // What ext4 says of a directory that was removed meanwhile.
            Err(Errno::PERM) if fs::fstat(&directory)?.st_nlink == 0 => return Err(Errno::NOENT),
            Err(errno) => return Err(errno),
        };
        workspace.own(&staged.file)?;
        Ok(staged)
    }

    fn named(directory: OwnedFd) -> Result<Self, Errno> {
        let flags = OPEN | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let (file, name) = under_new_name(|name| fs::openat(&directory, name, flags, MODE))?;
        Ok(Self {
            directory,
            file: file.into(),
            name: Some(name),
        })
    }

    /// Gives it its name. What has that name is replaced with `replace`, else it is
    /// [`Errno::EXIST`]. When it returns, file and name outlast a crash.
    pub(crate) fn publish(
        mut self,
        name: &CStr,
        mode: Option<Mode>,
        replace: bool,
    ) -> io::Result<Stat> {
        if let Some(mode) = mode {
            fs::fchmod(&self.file, mode)?;
        }
        self.file.sync_all()?;
        if self.name.is_none() {
            match self.link(name) {
                Ok(()) => return self.published(),
                Err(Errno::EXIST) if replace => {
                    let ((), unfinished) = under_new_name(|name| self.link(name))?;
                    self.name = Some(unfinished);
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        if let Some(unfinished) = &self.name {
            let how = match replace {
                true => RenameFlags::empty(),
                false => RenameFlags::NOREPLACE,
            };
            fs::renameat_with(&self.directory, unfinished, &self.directory, name, how)?;
            self.name = None;
        }
        self.published()
    }

    fn link(&self, name: &CStr) -> Result<(), Errno> {
        let path = beneath::own_path(self.file.as_fd());
        fs::linkat(CWD, path, &self.directory, name, AtFlags::SYMLINK_FOLLOW)
    }

    fn published(&self) -> io::Result<Stat> {
        fs::fsync(&self.directory)?;
        Ok(beneath::stat_of(&self.file)?)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Err(errno) = fs::unlinkat(&self.directory, name, AtFlags::empty())
        {
            tracing::warn!(%errno, "an unfinished file could not be deleted");
        }
    }
}

/// Does something with a name that nothing has yet.
pub(crate) fn under_new_name<T>(
    mut make: impl FnMut(&CStr) -> Result<T, Errno>,
) -> Result<(T, CString), Errno> {
    let mut tried = 0;
    loop {
        let name = CString::new(new_name()).map_err(|_| Errno::INVAL)?;
        tried += 1;
        match make(&name) {
            Ok(made) => return Ok((made, name)),
            Err(Errno::EXIST) if tried < TRIES => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// A name that nothing has yet, as far as this process can tell.
pub(crate) fn new_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("{UNFINISHED}{:x}-{now:x}-{number:x}", process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// As on a file system that has no files without names.
    #[test]
    fn a_file_with_a_name_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let staged = |text: &str| {
            let directory = fs::open(folder.path(), beneath::DIRECTORY, Mode::empty()).unwrap();
            let mut staged = Staged::named(directory).unwrap();
            staged.file.write_all(text.as_bytes()).unwrap();
            staged
        };
        let read = || std::fs::read_to_string(folder.path().join("file")).unwrap();
        staged("one").publish(c"file", None, false).unwrap();
        assert_eq!(read(), "one");
        let taken = staged("two").publish(c"file", None, false).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(), "one");
        staged("three").publish(c"file", None, true).unwrap();
        assert_eq!(read(), "three");
        drop(staged("never finished"));
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
