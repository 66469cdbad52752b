//! The walk through the files that are in a checkpoint.

use super::{
    LEFT_OUT, Limits,
    kept::{Entry, Kept, Lacks, Manifest, Seen},
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
use std::{
    collections::BTreeSet,
    ffi::CString,
    fs::File,
    io::Read as _,
    time::{Duration, SystemTime},
};

/// How deep it goes.
const DEEPEST: usize = 64;

/// How long two changes of a file may be apart that the kernel gives the same time.
const TICK: Duration = Duration::from_millis(20);

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
    /// What could not be looked at.
    pub(super) hidden: BTreeSet<String>,
}

impl Files {
    fn hide(&mut self, path: CString) {
        match path.into_string() {
            Ok(path) => {
                self.hidden.insert(path);
            }
            Err(_) => self.nameless += 1,
        }
    }
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
            // Moved, replaced or deleted since it was listed.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(Errno::AGAIN | Errno::ACCESS | Errno::PERM) => {
                found.hide(path);
                continue;
            }
            Err(errno) => return Err(FileError::at(&root)(errno)),
        };
        let (inside, more) =
            names(&directory, limits.files, |_| true).map_err(FileError::at(&root))?;
        if more {
            return Err(too_many(limits));
        }
        for name in inside {
            let child = below(path.as_bytes(), name.as_bytes());
            let stat = match beneath::stat(&directory, &name) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(_) => {
                    found.hide(child);
                    continue;
                }
            };
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
            if found.files.len() + found.hidden.len() > limits.files {
                return Err(too_many(limits));
            }
        }
    }
    Ok(found)
}

/// Fills a checkpoint; what did not change since `earlier` is not read again.
pub(super) fn take(
    workspace: &Inner,
    kept: &Kept<'_>,
    limits: &Limits,
    earlier: Option<&Manifest>,
    mut manifest: Manifest,
) -> Result<Manifest, FileError> {
    let found = all(workspace, limits)?;
    let fits = |found: &Found| beneath::size(&found.stat) <= limits.file_bytes;
    let sizes = found.files.iter().filter(|found| fits(found));
    let sizes = sizes.map(|found| beneath::size(&found.stat));
    // Before anything is kept for nothing.
    if sizes.fold(0, u64::saturating_add) > limits.bytes {
        return Err(FileError::TooLarge {
            what: "the workspace".to_owned(),
            limit: limits.bytes,
            unit: "bytes",
        });
    }
    let mut lacks = Lacks {
        hidden: found.hidden,
        ..Lacks::default()
    };
    for file in found.files {
        let seen = beneath::seen(&file.stat);
        let known = earlier.and_then(|earlier| earlier.files.get(&file.path));
        let known = known.filter(|known| known.seen == seen && kept.has(&known.hash));
        let entry = match known {
            _ if !fits(&file) => None,
            Some(known) => Some(known.clone()),
            None => keep(workspace, kept, limits, &file.path)?,
        };
        match entry {
            Some(entry) => drop(manifest.files.insert(file.path, entry)),
            None if is_there(workspace, &file.path) => {
                lacks.files.insert(file.path, seen);
            }
            None => {}
        }
    }
    manifest.left_out = found.nameless + lacks.files.len() + lacks.hidden.len();
    manifest.lacks = Some(lacks);
    Ok(manifest)
}

/// Keeps what is in a file; nothing where it cannot be read.
fn keep(
    workspace: &Inner,
    kept: &Kept<'_>,
    limits: &Limits,
    path: &str,
) -> Result<Option<Entry>, FileError> {
    let Some((content, stat)) = read(workspace, path, limits.file_bytes)? else {
        return Ok(None);
    };
    Ok(Some(Entry {
        hash: kept.put(&content)?,
        mode: mode(&stat),
        seen: seen(&stat),
    }))
}

/// What tells whether a file is changed now that it was read. Of one that was changed just before
/// nothing does, as the next change may have the same time: it is always read again.
fn seen(stat: &Stat) -> Seen {
    let seen = beneath::seen(stat);
    let (_, _, seconds, nanoseconds) = seen;
    let seconds = u64::try_from(seconds).unwrap_or_default();
    let nanoseconds = u32::try_from(nanoseconds).unwrap_or_default();
    let changed = Duration::new(seconds, nanoseconds);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    match changed + TICK < now.unwrap_or_default() {
        true => seen,
        false => Seen::default(),
    }
}

/// What may be done with a file, and by whom.
pub(super) fn mode(stat: &Stat) -> u32 {
    stat.st_mode & 0o777
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
    let (above, name) = split(path);
    let above = beneath::open_real(workspace.root(), above).ok()?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fs::openat(above, name, flags, Mode::empty()).ok()
}

/// Whether something still has that path, as far as it can be told.
fn is_there(workspace: &Inner, path: &str) -> bool {
    let (above, name) = split(path);
    let stat =
        beneath::open_real(workspace.root(), above).and_then(|above| beneath::stat(above, name));
    !matches!(stat, Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}

/// The path of a file's folder, and the file's name there.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn too_many(limits: &Limits) -> FileError {
    FileError::TooLarge {
        what: "the workspace".to_owned(),
        limit: limits.files as u64,
        unit: "files",
    }
}
