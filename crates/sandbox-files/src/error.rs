//! Why an operation on files failed, in words for whoever asked for it.
//!
//! No text names a path of the host.

use crate::path::{PathError, WorkspacePath};
use runner_api::checkpoints::Gap;
use rustix::io::Errno;
use std::io;

/// What the caller can do about a [`FileError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The path is none of the workspace: 400.
    InvalidPath,
    /// There is no such thing: 404.
    NotFound,
    /// It is of another kind than the operation takes, or in its way: 409.
    Conflict,
    /// It is over a limit: 413.
    TooLarge,
    /// The workspace or the disk is full: 507.
    QuotaExceeded,
    /// The operating system does not allow it to the runner: 403.
    Denied,
    /// The bytes to be written did not all arrive: 400.
    Broken,
    /// It changes too fast, or too many ask at once; try again: 503.
    Busy,
    /// Anything else: 500.
    Io,
}

impl ErrorKind {
    /// The status of HTTP for it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidPath | Self::Broken => 400,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Io => 500,
            Self::Busy => 503,
            Self::QuotaExceeded => 507,
        }
    }
}

/// An operation on files failed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path could not be parsed.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A symlink on the way is absolute or leads out of the workspace.
    #[error("{0:?} leads out of the workspace through a symbolic link")]
    LeadsOut(String),
    /// The operation would be on the workspace itself, or would put a directory into itself.
    #[error("{path:?}: {why}")]
    NotHere {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing is there.
    #[error("{0:?} does not exist")]
    NotFound(String),
    /// A pipe, a socket or a device.
    #[error("{0:?} is not a regular file")]
    NotAFile(String),
    /// A directory where a file is wanted.
    #[error("{0:?} is a directory")]
    IsDirectory(String),
    /// A file where a directory is wanted.
    #[error("{0:?} is not a directory, or something above it is none")]
    NotADirectory(String),
    /// Something is there already.
    #[error("{0:?} exists already")]
    Exists(String),
    /// What is in a file is not what whoever edits it has seen.
    #[error("{0:?} was changed meanwhile; look at it again")]
    Changed(String),
    /// An edit failed, and these files could not be made what they were.
    #[error("these files could not be restored, look at them: {0}")]
    NotRestored(String),
    /// A checkpoint of which only the place is kept.
    #[error("{0}")]
    NotKept(Gap),
    /// A directory that has something in it.
    #[error("{0:?} is not empty")]
    NotEmpty(String),
    /// More bytes or files than may be.
    #[error("{what} is over the limit of {limit} {unit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// How large it may be.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// The workspace's quota, or the host's disk, is used up.
    #[error("the workspace is full")]
    QuotaExceeded,
    /// The runner may not.
    #[error("the runner is not allowed to do that with {0:?}")]
    Denied(String),
    /// The stream of bytes to be written ended with an error; nothing was changed.
    #[error("the content did not arrive whole")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It was changed by somebody else again and again, or too many ask at once.
    #[error("{0:?} is busy; try again")]
    Busy(String),
    /// The operating system failed.
    #[error("the operating system failed at {path:?}")]
    Io {
        /// The path.
        path: String,
        /// How it failed.
        source: io::Error,
    },
}

impl FileError {
    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Path(_) | Self::LeadsOut(_) | Self::NotHere { .. } => ErrorKind::InvalidPath,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::NotAFile(_)
            | Self::IsDirectory(_)
            | Self::NotADirectory(_)
            | Self::Exists(_)
            | Self::Changed(_)
            | Self::NotKept(_)
            | Self::NotEmpty(_) => ErrorKind::Conflict,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::QuotaExceeded => ErrorKind::QuotaExceeded,
            Self::Denied(_) => ErrorKind::Denied,
            Self::Broken(_) => ErrorKind::Broken,
            Self::Busy(_) => ErrorKind::Busy,
            Self::NotRestored(_) | Self::Io { .. } => ErrorKind::Io,
        }
    }

    /// What an error of the kernel means at `path`.
    pub(crate) fn at(path: &WorkspacePath) -> impl Fn(Errno) -> Self + '_ {
        move |errno| Self::of(path.to_string(), errno)
    }

    pub(crate) fn io(path: &WorkspacePath) -> impl Fn(io::Error) -> Self + '_ {
        move |source| match Errno::from_io_error(&source) {
            Some(errno) => Self::of(path.to_string(), errno),
            None => Self::Io {
                path: path.to_string(),
                source,
            },
        }
    }

    fn of(path: String, errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::NotFound(path),
            Errno::NOTDIR => Self::NotADirectory(path),
            Errno::ISDIR => Self::IsDirectory(path),
            Errno::EXIST => Self::Exists(path),
            Errno::NOTEMPTY => Self::NotEmpty(path),
            Errno::XDEV | Errno::LOOP => Self::LeadsOut(path),
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::Denied(path),
            Errno::NOSPC | Errno::DQUOT => Self::QuotaExceeded,
            Errno::NAMETOOLONG => Self::Path(PathError::TooLong),
            Errno::AGAIN | Errno::BUSY | Errno::TXTBSY => Self::Busy(path),
            errno => Self::Io {
                path,
                source: errno.into(),
            },
        }
    }
}
