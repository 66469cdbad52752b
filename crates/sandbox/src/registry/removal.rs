//! Removing a sandbox's folder, whatever it made of it.
//!
//! A sandbox may nest directories deeper than a stack or a process's descriptors reach, and may
//! take all rights from them. So nothing here recurses: what lies deeper is first moved to the top.

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, renameat, unlinkat},
    io::Errno,
};
use std::{ffi::CString, io, path::Path};

/// Removes a folder with all that is in it; one that is not there is no error. Nothing may run in
/// it any longer. Symlinks in it are removed, never followed.
pub(super) fn remove_tree(folder: &Path) -> io::Result<()> {
    let top = match open(CWD, folder) {
        Err(Errno::NOENT) => return Ok(()),
        // Not a folder: a name that something else left.
        Err(Errno::NOTDIR | Errno::LOOP) => return std::fs::remove_file(folder),
        other => other?,
    };
    let mut moved = 0_u64;
    loop {
        let directories = empty(&top)?;
        if directories.is_empty() {
            break;
        }
        for name in directories {
            let directory = open(&top, name.as_c_str())?;
            for inner in empty(&directory)? {
                // Its own rights decide whether it may be moved: `..` is in it.
                drop(open(&directory, inner.as_c_str())?);
                moved += 1;
                renameat(
                    &directory,
                    inner.as_c_str(),
                    &top,
                    free(&top, &mut moved)?.as_c_str(),
                )?;
            }
            // First: to close one that has no name any longer takes the file system long.
            drop(directory);
            unlinkat(&top, name.as_c_str(), AtFlags::REMOVEDIR)?;
        }
    }
    std::fs::remove_dir(folder)
}

/// A name that nothing in the directory has.
fn free(top: &OwnedFd, number: &mut u64) -> io::Result<CString> {
    loop {
        let name = CString::new(format!(".removed-{number}"))?;
        match rustix::fs::statat(top, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(name),
            Err(errno) => return Err(errno.into()),
            Ok(_) => *number += 1,
        }
    }
}

/// Removes all that is no directory, and directories that are empty. Returns the others' names.
fn empty(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut left = Vec::new();
    let mut entries = Dir::read_from(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => continue,
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(errno.into()),
        }
        match unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) => left.push(name.to_owned()),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(left)
}

/// Opens a directory, and gives its owner the rights that removing what is in it takes.
fn open(base: impl AsFd, name: impl rustix::path::Arg + Copy) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let opened = match openat(&base, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(&base, name, Mode::RWXU, AtFlags::empty())?;
            openat(&base, name, flags, Mode::empty())?
        }
        other => other?,
    };
    match rustix::fs::fchmod(&opened, Mode::RWXU) {
        // Somebody else's, so that rights do not matter to us or all is lost anyway.
        Ok(()) | Err(Errno::PERM) => Ok(opened),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
        path::PathBuf,
    };

    fn check(make: impl FnOnce(&Path)) {
        // In memory: some disks take milliseconds for a directory.
        let outside = tempfile::tempdir_in("/dev/shm").unwrap();
        fs::write(outside.path().join("canary"), "alive").unwrap();
        let folder = outside.path().join("sandbox");
        fs::create_dir(&folder).unwrap();
        make(&folder);
        remove_tree(&folder).unwrap();
        assert!(!folder.exists());
        let canary = fs::read_to_string(outside.path().join("canary"));
        assert_eq!(canary.unwrap(), "alive");
    }

    #[test]
    fn whatever_is_in_a_folder_it_is_removed_and_nothing_outside_of_it() {
        check(|_| {});
        check(|folder| symlink("..", folder.join("up")).unwrap());
        check(|folder| {
            fs::create_dir_all(folder.join("a/b/c")).unwrap();
            fs::write(folder.join("a/b/c/file"), "x").unwrap();
            fs::write(folder.join("a/file"), "x").unwrap();
            fs::create_dir(folder.join(".removed-1")).unwrap();
            fs::write(folder.join(".removed-1/file"), "x").unwrap();
            symlink("/", folder.join("a/root")).unwrap();
            for closed in ["a/b/c", "a/b", "a"] {
                let none = fs::Permissions::from_mode(0o000);
                fs::set_permissions(folder.join(closed), none).unwrap();
            }
        });
    }

    #[test]
    fn a_folder_deeper_than_any_stack_is_removed() {
        check(|folder| {
            let mut directory = open(CWD, folder).unwrap();
            for _ in 0..20_000 {
                rustix::fs::mkdirat(&directory, c"d", Mode::RWXU).unwrap();
                directory = open(&directory, c"d").unwrap();
            }
        });
    }

    #[test]
    fn what_is_not_there_is_removed_already() {
        remove_tree(&PathBuf::from("/nonexistent/folder")).unwrap();
    }
}
