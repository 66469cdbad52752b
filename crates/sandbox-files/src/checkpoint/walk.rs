//! The walk through the files that are in a checkpoint.

use super::{
    LEFT_OUT, Limits,
    kept::{Entry, Kept, Manifest},
};
use crate::{
    beneath,
    error::FileError,
    listing::{below, names},
    path::WorkspacePath,
    workspace::Inner,
};
use rustix::{
    fd::OwnedFd,
    fs::{self, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{collections::BTreeMap, ffi::CString, fs::File, io::Read as _};

/// How deep it goes.
const DEEPEST: usize = 64;

/// A file that the walk found.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) stat: Stat,
}

/// What the walk found.
#[derive(Default)]
pub(super) struct Files {
    pub(super) files: Vec<Found>,
    /// How many have names that cannot be written.
    pub(super) nameless: usize,
}

/// All files of a workspace that could be in a checkpoint, whatever their size.
pub(super) fn all(workspace: &Inner, limits: &Limits) -> Result<Files, FileError> {
    let root = WorkspacePath::root();
    let top = beneath::open_real(workspace.root(), c".").map_err(FileError::at(&root))?;
    let mut found = Files::default();
    let mut waiting = vec![(CString::default(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let directory = match beneath::open_real(&top, path.as_c_str()) {
            Ok(directory) => directory,
            // Moved, replaced or deleted since it was listed, or hidden.
            Err(
                Errno::NOENT
                | Errno::NOTDIR
                | Errno::LOOP
                | Errno::AGAIN
                | Errno::ACCESS
                | Errno::PERM,
            ) => continue,
            Err(errno) => return Err(FileError::at(&root)(errno)),
        };
        let (inside, more) =
            names(&directory, limits.files, |_| true).map_err(FileError::at(&root))?;
        if more {
            return Err(too_many(limits));
        }
        for name in inside {
            let Ok(stat) = beneath::stat(&directory, &name) else {
                continue;
            };
            let child = below(path.as_bytes(), name.as_bytes());
            let left_out = name.to_str().is_ok_and(|name| LEFT_OUT.contains(&name));
            match beneath::kind(&stat) {
                FileType::Directory if !left_out && depth < DEEPEST => {
                    waiting.push((child, depth + 1));
                }
                FileType::RegularFile => match child.into_string() {
                    Ok(path) => found.files.push(Found { path, stat }),
                    Err(_) => found.nameless += 1,
                },
                _ => {}
            }
            if found.files.len() > limits.files {
                return Err(too_many(limits));
            }
        }
    }
    Ok(found)
}

/// Makes a checkpoint; what did not change since `earlier` is not read again.
pub(super) fn take(
    workspace: &Inner,
    kept: &Kept<'_>,
    limits: &Limits,
    earlier: Option<&Manifest>,
    (name, at): (String, i64),
) -> Result<Manifest, FileError> {
    let found = all(workspace, limits)?;
    let mut manifest = Manifest {
        number: earlier.map_or(1, |earlier| earlier.number + 1),
        name,
        at,
        files: BTreeMap::new(),
        left_out: found.nameless,
    };
    let mut bytes = 0_u64;
    for Found { path, stat } in found.files {
        let size = beneath::size(&stat);
        if size > limits.file_bytes {
            manifest.left_out += 1;
            continue;
        }
        bytes = bytes.saturating_add(size);
        if bytes > limits.bytes {
            return Err(FileError::TooLarge {
                what: "the workspace".to_owned(),
                limit: limits.bytes,
                unit: "bytes",
            });
        }
        let known = earlier.and_then(|earlier| earlier.files.get(&path));
        let known = known.filter(|known| known.seen == seen(&stat) && kept.has(&known.hash));
        let entry = match known {
            Some(known) => Some(known.clone()),
            None => match read(workspace, &path, limits.file_bytes)? {
                None => None,
                Some((content, stat)) => Some(Entry {
                    hash: kept.put(&content)?,
                    mode: stat.st_mode & 0o777,
                    seen: seen(&stat),
                }),
            },
        };
        match entry {
            Some(entry) => drop(manifest.files.insert(path, entry)),
            None => manifest.left_out += 1,
        }
    }
    Ok(manifest)
}

/// What tells whether a file was changed in any way. No sandbox sets the last two.
pub(super) fn seen(stat: &Stat) -> (u64, u64, i64, i64) {
    let nanoseconds = i64::try_from(stat.st_ctime_nsec).unwrap_or_default();
    (beneath::size(stat), stat.st_ino, stat.st_ctime, nanoseconds)
}

/// A file's content, with what is known of it; nothing where it is gone, is none any more, cannot
/// be read, or has become too large.
pub(super) fn read(
    workspace: &Inner,
    path: &str,
    most: u64,
) -> Result<Option<(Vec<u8>, Stat)>, FileError> {
    let Some(file) = open(workspace, path) else {
        return Ok(None);
    };
    let at = WorkspacePath::of_part(path);
    let stat = beneath::stat_of(&file).map_err(FileError::at(&at))?;
    if beneath::kind(&stat) != FileType::RegularFile {
        return Ok(None);
    }
    let mut content = Vec::new();
    let mut file = File::from(file).take(most.saturating_add(1));
    file.read_to_end(&mut content).map_err(FileError::io(&at))?;
    let fits = u64::try_from(content.len()).is_ok_and(|size| size <= most);
    Ok(fits.then_some((content, stat)))
}

/// Opens a file without following any symlink.
fn open(workspace: &Inner, path: &str) -> Option<OwnedFd> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let above = beneath::open_real(workspace.root(), above).ok()?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(above, name, flags, Mode::empty()).ok()
}

fn too_many(limits: &Limits) -> FileError {
    FileError::TooLarge {
        what: "the workspace".to_owned(),
        limit: limits.files as u64,
        unit: "files",
    }
}
