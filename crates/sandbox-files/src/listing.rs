//! The names in a directory.

use crate::path::UNFINISHED;
use rustix::{fd::AsFd, fs::Dir, io::Errno};
use std::ffi::{CStr, CString};

/// Calls `each` with every name in an open directory but `.`, `..` and those of unfinished files,
/// until it returns false.
pub(crate) fn each_name(
    directory: impl AsFd,
    mut each: impl FnMut(&CStr) -> bool,
) -> Result<(), Errno> {
    let mut entries = Dir::read_from(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if !is_special(name.to_bytes()) && !each(name) {
            break;
        }
    }
    Ok(())
}

/// Those of them that `wanted` likes, sorted by their bytes; at most `most`, and whether there are
/// more.
pub(crate) fn names(
    directory: impl AsFd,
    most: usize,
    wanted: impl Fn(&CStr) -> bool,
) -> Result<(Vec<CString>, bool), Errno> {
    let (mut names, mut more) = (Vec::new(), false);
    each_name(directory, |name| {
        if !wanted(name) {
            return true;
        }
        more = names.len() >= most;
        if !more {
            names.push(name.to_owned());
        }
        !more
    })?;
    names.sort_unstable();
    Ok((names, more))
}

/// Whether the name is of the directory itself, of its parent, or of an unfinished file.
pub(crate) fn is_special(name: &[u8]) -> bool {
    matches!(name, b"." | b"..") || name.starts_with(UNFINISHED.as_bytes())
}

/// A path with one more name. Neither has a NUL in it: both come from the kernel.
pub(crate) fn below(prefix: &[u8], name: &[u8]) -> CString {
    let mut path = Vec::with_capacity(prefix.len() + name.len() + 2);
    path.extend_from_slice(prefix);
    if !prefix.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    CString::new(path).unwrap_or_default()
}

/// Whether a directory has something in it that shows; hidden names count where they are shown.
pub(crate) fn shows_something(directory: impl AsFd, hidden: bool) -> Result<bool, Errno> {
    let mut entries = Dir::read_from(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !is_special(name) && (hidden || !name.starts_with(b".")) {
            return Ok(true);
        }
    }
    Ok(false)
}
