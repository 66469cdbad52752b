//! What an archive leaves out.
//!
//! The rules of `.gitignore`, in the files `.gitignore` and `.ignore` of every directory from the
//! workspace's root down; `.ignore` has the last word, and the deeper file over the upper.

use crate::beneath;
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};
use rustix::{
    fd::AsFd,
    fs::{FileType, Mode, OFlags},
    io::Errno,
};
use std::{ffi::OsStr, fs::File, io::Read as _, os::unix::ffi::OsStrExt as _, path::Path, rc::Rc};

/// How much of such a file counts, in bytes.
const LONGEST: u64 = 16 << 10;

/// How many patterns may be in force at once: each costs memory and time for every name. Beyond,
/// the files of deeper directories do not count.
const MOST_PATTERNS: u64 = 2_000;

/// Directories that are left out wherever they are.
const MADE: [&[u8]; 3] = [b".git", b"node_modules", b"target"];

/// The rules of a directory, and those above it.
#[derive(Debug)]
pub(super) struct Rules {
    ignore: Gitignore,
    git: Gitignore,
    above: Option<Rc<Rules>>,
    /// How many patterns these are, with those above.
    patterns: u64,
}

impl Rules {
    /// Reads the rules in a directory, whose path from the root begins with a slash.
    pub(super) fn read(
        directory: impl AsFd,
        path: &[u8],
        above: Option<Rc<Self>>,
    ) -> Result<Rc<Self>, Errno> {
        let so_far = above.as_ref().map_or(0, |above| above.patterns);
        let (ignore, git) = match so_far < MOST_PATTERNS {
            true => (
                rules(&directory, c".ignore", path)?,
                rules(&directory, c".gitignore", path)?,
            ),
            false => (Gitignore::empty(), Gitignore::empty()),
        };
        let own = [&ignore, &git].map(|rules| rules.num_ignores() + rules.num_whitelists());
        Ok(Rc::new(Self {
            patterns: so_far.saturating_add(own.iter().sum()),
            ignore,
            git,
            above,
        }))
    }

    /// Whether what is at `path`, and called `name`, is left out.
    pub(super) fn leave_out(&self, path: &[u8], name: &[u8], directory: bool) -> bool {
        if MADE.contains(&name) && (directory || name == b".git") {
            return true;
        }
        let path = Path::new(OsStr::from_bytes(path));
        let by_ignore = self.judge(|rules| rules.ignore.matched(path, directory).map(|_| ()));
        let verdict =
            by_ignore.or(self.judge(|rules| rules.git.matched(path, directory).map(|_| ())));
        verdict.is_ignore()
    }

    fn judge(&self, matched: impl Fn(&Self) -> Match<()>) -> Match<()> {
        let mut rules = Some(self);
        while let Some(here) = rules {
            let verdict = matched(here);
            if !verdict.is_none() {
                return verdict;
            }
            rules = here.above.as_deref();
        }
        Match::None
    }
}

fn rules(directory: impl AsFd, name: &std::ffi::CStr, path: &[u8]) -> Result<Gitignore, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match rustix::fs::openat(&directory, name, flags, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT) => return Ok(Gitignore::empty()),
        Err(errno) => return Err(errno),
    };
    if beneath::kind(&beneath::stat_of(&handle)?) != FileType::RegularFile {
        return Ok(Gitignore::empty());
    }
    let mut text = Vec::new();
    let file = File::from(beneath::reopen(handle.as_fd(), OFlags::RDONLY)?);
    let read = file.take(LONGEST).read_to_end(&mut text);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let mut builder = GitignoreBuilder::new(OsStr::from_bytes(path));
    for line in String::from_utf8_lossy(&text).lines() {
        // As with git, a line that is no pattern has no effect.
        let _ = builder.add_line(None, line);
    }
    Ok(builder.build().unwrap_or_else(|_| Gitignore::empty()))
}
