//! Directories made, things moved and deleted.

use crate::{
    beneath, error::FileError, path::WorkspacePath, stage::under_new_name, tree, workspace::Inner,
};
use runner_api::files::Node;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, AtFlags, Dir, Mode, RenameFlags},
    io::Errno,
};
use std::{
    ffi::{CStr, CString},
    time::{Duration, Instant},
};

/// How long a directory is emptied that others fill meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many names are read before they are removed.
const SOME: usize = 1024;

/// Opens a directory, and makes it and those above it if it is missing.
pub(crate) fn directory_for(workspace: &Inner, path: &WorkspacePath) -> Result<OwnedFd, FileError> {
    let open = |path: &str| beneath::open(workspace.root(), path, beneath::ANY_DIRECTORY);
    match open(path.as_str()) {
        Err(Errno::NOENT) => {}
        opened => return opened.map_err(FileError::at(path)),
    }
    let mut above = open("").map_err(FileError::at(path))?;
    let mut reached = WorkspacePath::root();
    for name in path.names() {
        reached = reached.join(name);
        let next = match open(reached.as_str()) {
            Err(Errno::NOENT) => {
                make(workspace, &above, name).map_err(FileError::at(&reached))?;
                // From its own parent: whatever the path names by now, this is in the workspace.
                beneath::open_child(&above, name)
            }
            opened => opened,
        };
        above = next.map_err(FileError::at(&reached))?;
    }
    Ok(above)
}

fn make(workspace: &Inner, above: impl AsFd, name: &str) -> Result<(), Errno> {
    match fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => {}
        // Somebody else was faster, or it is a symlink that leads nowhere; opening it will tell.
        Err(Errno::EXIST) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    workspace.own(beneath::open_child(&above, name)?)?;
    fs::fsync(above)
}

/// See [`crate::Workspace::make_directory`].
pub(crate) fn make_directory(workspace: &Inner, path: &WorkspacePath) -> Result<Node, FileError> {
    workspace.admit(0)?;
    let made = directory_for(workspace, path)?;
    let stat = beneath::stat_of(&made).map_err(FileError::at(path))?;
    Ok(tree::node(path, &stat))
}

/// See [`crate::Workspace::rename`].
pub(crate) fn rename(
    workspace: &Inner,
    from: &WorkspacePath,
    to: &WorkspacePath,
    overwrite: bool,
) -> Result<Node, FileError> {
    let (Some((above_from, name_from)), Some((above_to, name_to))) = (from.split(), to.split())
    else {
        return Err(not_here(
            from,
            "the workspace itself cannot be moved or replaced",
        ));
    };
    let source = beneath::open(workspace.root(), above_from, beneath::ANY_DIRECTORY);
    let source = source.map_err(FileError::at(from))?;
    // Before directories are made for nothing.
    beneath::stat(&source, name_from).map_err(FileError::at(from))?;
    let target = directory_for(workspace, &WorkspacePath::of_part(above_to))?;
    let how = match overwrite {
        true => RenameFlags::empty(),
        false => RenameFlags::NOREPLACE,
    };
    fs::renameat_with(&source, name_from, &target, name_to, how).map_err(|errno| match errno {
        Errno::INVAL => not_here(to, "a directory cannot be moved into itself"),
        Errno::NOENT => FileError::at(from)(errno),
        errno => FileError::at(to)(errno),
    })?;
    for directory in [&target, &source] {
        fs::fsync(directory).map_err(FileError::at(to))?;
    }
    let stat = beneath::stat(&target, name_to).map_err(FileError::at(to))?;
    Ok(tree::node(to, &stat))
}

/// See [`crate::Workspace::delete`].
pub(crate) fn delete(
    workspace: &Inner,
    path: &WorkspacePath,
    recursive: bool,
) -> Result<(), FileError> {
    let Some((above, name)) = path.split() else {
        return Err(not_here(path, "the workspace itself cannot be deleted"));
    };
    let above = beneath::open(workspace.root(), above, beneath::ANY_DIRECTORY);
    let above = above.map_err(FileError::at(path))?;
    let name = CString::new(name).map_err(|_| crate::path::PathError::Nul)?;
    let removed = match remove(&above, &name) {
        Err(Errno::NOTEMPTY) if recursive => remove_all(&above, &name).map_err(FileError::at(path)),
        removed => removed.map_err(FileError::at(path)),
    };
    removed?;
    fs::fsync(above).map_err(FileError::at(path))
}

fn not_here(path: &WorkspacePath, why: &'static str) -> FileError {
    let path = path.to_string();
    FileError::NotHere { path, why }
}

/// Removes a file, or a directory that is empty.
fn remove(above: impl AsFd, name: &CStr) -> Result<(), Errno> {
    match fs::unlinkat(&above, name, AtFlags::empty()) {
        // What Linux and POSIX say of a directory.
        Err(Errno::ISDIR | Errno::PERM) => {
            match fs::unlinkat(&above, name, AtFlags::REMOVEDIR) {
                // No directory after all: what was said first counts.
                Err(Errno::NOTDIR) => Err(Errno::PERM),
                removed => removed,
            }
        }
        removed => removed,
    }
}

/// Removes a directory with all that is in it.
///
/// Directories further down are first moved up to right below it. So it takes as many descriptors
/// for a hundred thousand levels as for two, and nothing that is moved about meanwhile can lead it
/// astray: it knows descriptors and single names only.
fn remove_all(above: impl AsFd, name: &CStr) -> Result<(), Errno> {
    let top = beneath::open_child(&above, name)?;
    let begun = Instant::now();
    loop {
        match fs::unlinkat(&above, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY) if begun.elapsed() < PATIENCE => {}
            Err(Errno::NOTEMPTY) => return Err(Errno::BUSY),
            // Somebody else removed it.
            Err(Errno::NOENT) => return Ok(()),
            removed => return removed,
        }
        empty_some(&top)?;
    }
}

/// Removes some of what is in `top`, and moves up what is in the directories there.
fn empty_some(top: &OwnedFd) -> Result<(), Errno> {
    for name in some_names(top)? {
        match remove(top, &name) {
            Err(Errno::NOTEMPTY) => {}
            Ok(()) | Err(Errno::NOENT) => continue,
            Err(errno) => return Err(errno),
        }
        let child = match beneath::open_child(top, &name) {
            Ok(child) => child,
            // Replaced since; the next time it is seen as what it is.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(errno) => return Err(errno),
        };
        for inner in some_names(&child)? {
            match remove(&child, &inner) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::NOTEMPTY) => {
                    let how = RenameFlags::NOREPLACE;
                    match under_new_name(|name| fs::renameat_with(&child, &inner, top, name, how)) {
                        Ok(_) | Err(Errno::NOENT) => {}
                        Err(errno) => return Err(errno),
                    }
                }
                Err(errno) => return Err(errno),
            }
        }
    }
    Ok(())
}

/// Names in a directory, those of unfinished files too, but not all of a large one.
fn some_names(directory: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    let mut entries = Dir::read_from(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
        if names.len() >= SOME {
            break;
        }
    }
    Ok(names)
}
