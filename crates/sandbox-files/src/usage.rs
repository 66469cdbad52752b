//! How much a folder holds, for quotas.
//!
//! What is counted is what the disk gives for it: the blocks of every file and directory, a file
//! with several names once. The walk keeps few descriptors and little memory, however deep or wide
//! a sandbox makes its workspace.

use crate::{beneath, listing::below};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{CWD, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    collections::HashSet,
    ffi::CString,
    io,
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

/// How long a path may get before the walk goes on from a descriptor of its own.
const LONG: usize = 1000;

/// What a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What it takes on the disk, in bytes.
    pub bytes: u64,
    /// How many files, directories and other things there are in it.
    pub files: u64,
    /// How many directories could not be looked into; what they hold is not counted. A sandbox
    /// makes such ones only to hide something: take the workspace for full.
    pub unreadable: u64,
    /// Whether counting ended early, at the limit of files or because it was cancelled.
    pub partial: bool,
}

/// Counts what a folder holds. It blocks: some 0.2 s for 200,000 files. It ends early after
/// `most_files`, or when `cancelled` turns true, and says so.
///
/// # Errors
/// If the folder itself cannot be read. What vanishes meanwhile is not counted.
pub fn measure(root: &Path, most_files: u64, cancelled: &AtomicBool) -> io::Result<Usage> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, root, flags, Mode::empty())?;
    Ok(measure_beneath(&root, most_files, cancelled)?)
}

/// [`measure`] for an open directory.
pub(crate) fn measure_beneath(
    root: impl AsFd,
    most_files: u64,
    cancelled: &AtomicBool,
) -> Result<Usage, Errno> {
    let mut walk = Walk {
        usage: Usage::default(),
        seen: HashSet::new(),
        waiting: Vec::new(),
    };
    let top = Rc::new(beneath::open_real(&root, c".")?);
    walk.waiting.push((top, CString::default()));
    while let Some((base, path)) = walk.waiting.pop() {
        walk.usage.partial |= cancelled.load(Ordering::Relaxed);
        if walk.usage.partial {
            break;
        }
        walk.directory(&base, &path, most_files)?;
    }
    Ok(walk.usage)
}

struct Walk {
    usage: Usage,
    /// Files with several names that were counted.
    seen: HashSet<(u64, u64)>,
    /// Directories, each below a descriptor. The last is walked first, so few bases are open.
    waiting: Vec<(Rc<OwnedFd>, CString)>,
}

impl Walk {
    fn directory(
        &mut self,
        base: &Rc<OwnedFd>,
        path: &CString,
        most_files: u64,
    ) -> Result<(), Errno> {
        let directory = match beneath::open_real(base, path.as_c_str()) {
            Ok(directory) => Rc::new(directory),
            Err(Errno::ACCESS | Errno::PERM) => {
                self.usage.unreadable += 1;
                return Ok(());
            }
            // Moved, replaced or deleted since it was listed.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let (base, prefix) = match path.as_bytes().len() > LONG {
            true => (&directory, &b""[..]),
            false => (base, path.as_bytes()),
        };
        let mut entries = Dir::read_from(&directory)?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            // Unfinished files take room as well.
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if self.usage.files >= most_files {
                self.usage.partial = true;
                return Ok(());
            }
            let stat = match beneath::stat(&directory, name) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(Errno::ACCESS | Errno::PERM) => {
                    self.usage.unreadable += 1;
                    return Ok(());
                }
                Err(errno) => return Err(errno),
            };
            self.count(&stat);
            if beneath::kind(&stat) == FileType::Directory {
                self.waiting
                    .push((base.clone(), below(prefix, name.to_bytes())));
            }
        }
        Ok(())
    }

    fn count(&mut self, stat: &Stat) {
        self.usage.files += 1;
        let several = stat.st_nlink > 1 && beneath::kind(stat) != FileType::Directory;
        if !several || self.seen.insert((stat.st_dev, stat.st_ino)) {
            // In units of 512 bytes on every file system.
            let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
            self.usage.bytes = self.usage.bytes.saturating_add(blocks.saturating_mul(512));
        }
    }
}
