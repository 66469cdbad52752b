//! Who writes the rooms' files, and whether what the last writer left can be trusted.
//!
//! Invariant: one process at a time has the folder. Where the machine died while somebody had it,
//! nothing in it is kept, because nobody knows which events were shown but never reached the disk.
//! Lasting rooms alone are: of them nothing was shown that had not.

use crate::log::Log;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The kernel's name for the time since the machine started.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Locked by whoever has the folder.
const LOCK: &str = "lock";

/// Says in which boot the folder was last used, or [`CLEAN`].
const LAST: &str = "last";

/// Everything is on disk.
const CLEAN: &str = "clean";

/// What a room's folder is called while it is being removed.
pub(crate) const GONE: &str = ".gone";

/// Why the rooms' folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("another runner uses {}", folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be read or written.
    #[error("cannot use {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The folder, taken. It is free again when this is dropped or the process dies.
#[derive(Debug)]
pub(crate) struct Custody {
    folder: PathBuf,
    _lock: File,
}

impl Custody {
    /// Takes `folder` in the boot that the kernel names.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        // Unknown is no boot: then only a clean stop can be trusted.
        let boot = fs::read_to_string(BOOT).unwrap_or_default();
        Self::take_in(folder, boot.trim())
    }

    pub(crate) fn take_in(folder: &Path, boot: &str) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Folder {
            folder: folder.to_owned(),
            source,
        };
        let lock = lock(folder).map_err(failed)?.ok_or(OpenError::Taken {
            folder: folder.to_owned(),
        })?;
        let custody = Self {
            folder: folder.to_owned(),
            _lock: lock,
        };
        custody.look_through(boot).map_err(failed)?;
        Ok(custody)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything is synced: also a restart of the machine loses nothing.
    pub(crate) fn leave_clean(&self) -> io::Result<()> {
        self.write_last(CLEAN)
    }

    fn look_through(&self, boot: &str) -> io::Result<()> {
        let last = match fs::read_to_string(self.folder.join(LAST)) {
            Ok(last) => Some(last),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let trusted = last
            .as_deref()
            .is_some_and(|last| last == CLEAN || (last == boot && !boot.is_empty()));
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            let left = name.strip_suffix(GONE);
            let ours = left.unwrap_or(name).parse::<Uuid>().is_ok();
            if !ours || (left.is_none() && trusted) {
                continue;
            }
            match left.is_none() && Log::is_lasting(&entry.path())? {
                true => Log::mend(entry.path())?,
                false => fs::remove_dir_all(entry.path())?,
            }
        }
        if last.is_some() && !trusted {
            tracing::warn!("the machine stopped unexpectedly: events kept for replay are dropped");
        }
        self.write_last(boot)
    }

    fn write_last(&self, content: &str) -> io::Result<()> {
        let unfinished = self.folder.join("last.unfinished");
        let mut file = private().truncate(true).open(&unfinished)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, self.folder.join(LAST))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Options of a new file that only the owner of the process may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn lock(folder: &Path) -> io::Result<Option<File>> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let file = private().open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
