//! Why a patch does not fit the files.

use crate::{FilePath, Nearest, NotText, rules::NoStepsLeft};
use std::fmt;

/// The patch does not fit the files; nothing of it is to be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: hunk {hunk}, line {line} of the patch: {reason}")]
pub struct ApplyError {
    /// The file at fault.
    pub path: FilePath,
    /// The hunk at fault, from 1.
    pub hunk: usize,
    /// The line of the patch at fault, from 1: of the chunk, if there is one, or the header.
    pub line: usize,
    /// What is wrong.
    pub reason: Box<Reason>,
}

/// Why a hunk does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The caller gave no entry for a path that [`Patch::paths`](crate::Patch::paths) named.
    #[error("it was not read before the patch was applied")]
    NotRead,
    /// There is no such file.
    #[error("the file does not exist (`*** Add File:` makes a new one)")]
    Missing,
    /// An earlier hunk deleted or moved it.
    #[error("the file is no longer there: hunk {0} deleted or moved it")]
    Gone(usize),
    /// It is a folder.
    #[error("it is a folder; a patch changes files")]
    Folder,
    /// It is neither a file nor a folder.
    #[error("it is neither a regular file nor a folder (a symbolic link, for example)")]
    Other,
    /// It is no UTF-8 text.
    #[error(transparent)]
    NotText(NotText),
    /// It has more bytes than a patch may change.
    #[error("the file has more than {0} bytes, the most that a patch changes")]
    TooLarge(usize),
    /// What should be a folder is none, or becomes a file.
    #[error(
        "`{0}` is not a folder, or another change of this patch makes it a file, so nothing can \
         be below it"
    )]
    Parent(FilePath),
    /// The line after `@@` is not in the file.
    #[error(transparent)]
    Anchor(Mismatch),
    /// The chunk's lines are not in the file.
    #[error(transparent)]
    Lines(Mismatch),
    /// Matching would take too long.
    #[error("matching its chunks takes too many steps: split the patch")]
    TooMuch,
}

/// Lines that a file does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was looked for: the first lines, shortened.
    pub wanted: Vec<String>,
    /// How many lines of the file are before the place where the search began.
    pub after: usize,
    /// Whether only the file's last lines counted.
    pub at_end: bool,
    /// What the file has instead.
    pub nearest: Option<Nearest>,
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.at_end {
            true => "the file does not end with these lines",
            false => "the file does not have these lines, one below the other",
        })?;
        match self.after {
            0 => f.write_str(":\n")?,
            after => writeln!(f, ", after its line {after}:")?,
        }
        for line in &self.wanted {
            writeln!(f, "    {line}")?;
        }
        match &self.nearest {
            Some(nearest) => write!(f, "{nearest}."),
            None => f.write_str("Read the file again: nothing like them is in it."),
        }
    }
}

impl From<NoStepsLeft> for Reason {
    fn from(_: NoStepsLeft) -> Self {
        Self::TooMuch
    }
}
