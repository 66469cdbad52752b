//! The few calls of the kernel that everything else is made of: each begins at a descriptor, and
//! stays beneath it.

use rustix::{
    fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
    fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat},
    io::Errno,
    path::Arg,
};

/// How often a resolution is tried that the kernel gave up because something was moved meanwhile.
const TRIES: usize = 128;

/// A descriptor that stands for what it names, and cannot read it.
pub(crate) const HANDLE: OFlags = OFlags::PATH;

/// A directory that can be read, if the name itself is one.
pub(crate) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);

/// A directory that can be read, also if a symlink leads to it.
pub(crate) const ANY_DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NONBLOCK);

/// Opens what `path` names beneath `root`; relative symlinks are followed while they stay beneath
/// it. With [`HANDLE`] or [`OFlags::DIRECTORY`] this has no effect on what is opened.
pub(crate) fn open(
    root: impl AsFd,
    path: impl Arg + Copy,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    resolve(root, path, flags, ResolveFlags::empty())
}

/// Opens the directory that `path` names beneath `root`, if no symlink is on the way.
pub(crate) fn open_real(root: impl AsFd, path: impl Arg + Copy) -> Result<OwnedFd, Errno> {
    resolve(root, path, DIRECTORY, ResolveFlags::NO_SYMLINKS)
}

/// Opens the directory of that name in `directory`, if it is one and no symlink to one.
pub(crate) fn open_child(directory: impl AsFd, name: impl Arg) -> Result<OwnedFd, Errno> {
    fs::openat(directory, name, DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn resolve(
    root: impl AsFd,
    path: impl Arg + Copy,
    flags: OFlags,
    more: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | more;
    let mut tried = 0;
    path.into_with_c_str(|path| {
        let path = if path.is_empty() { c"." } else { path };
        loop {
            let opened = fs::openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), how);
            tried += 1;
            match opened {
                Err(Errno::AGAIN | Errno::INTR) if tried < TRIES => {}
                done => return done,
            }
        }
    })
}

/// Opens again what a descriptor stands for, now to be read or written. Whatever name it has had
/// meanwhile, it is the same file.
pub(crate) fn reopen(handle: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    fs::open(own_path(handle), flags, Mode::empty())
}

/// The path by which this process can name what a descriptor stands for, while it is open: hence
/// a borrowed one.
pub(crate) fn own_path(handle: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

/// What is known of a name in a directory; symlinks are not followed.
pub(crate) fn stat(directory: impl AsFd, name: impl Arg) -> Result<Stat, Errno> {
    fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// What is known of what a descriptor stands for.
pub(crate) fn stat_of(handle: impl AsFd) -> Result<Stat, Errno> {
    fs::fstat(handle)
}

/// What kind of thing it is.
pub(crate) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Its size in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// When its content changed, in milliseconds since 1970.
pub(crate) fn modified_at(stat: &Stat) -> i64 {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    stat.st_mtime
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}

/// What tells whether a file was changed in any way. No sandbox sets the last two.
pub(crate) fn seen(stat: &Stat) -> (u64, u64, i64, i64) {
    let nanoseconds = i64::try_from(stat.st_ctime_nsec).unwrap_or_default();
    (size(stat), stat.st_ino, stat.st_ctime, nanoseconds)
}
