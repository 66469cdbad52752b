//! Why a text is no patch.

use crate::{FilePath, PathError};

/// The text is no patch that can be applied to anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is a patch that changes nothing.
    #[error("No files were modified.")]
    NoHunks,
    /// Something is wrong in one of its lines.
    #[error("line {line} of the patch: {problem}")]
    At {
        /// The line, counted from 1 in the text as it came.
        line: usize,
        /// What is wrong.
        problem: Box<Problem>,
    },
}

/// What is wrong in a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Something else should stand there.
    #[error("expected {expected}, found `{found}`")]
    Expected {
        /// What the format asks for.
        expected: &'static str,
        /// The line, shortened.
        found: String,
    },
    /// The text ends where something should follow.
    #[error("the patch ends here; expected {0}")]
    Ends(&'static str),
    /// The header's path.
    #[error(transparent)]
    Path(PathError),
    /// A file is to be updated, and nothing says how. Renaming alone is no update.
    #[error(
        "`*** Update File: {0}` has no chunk: write `@@` and below it lines of the file, each \
         after ` `, `-` or `+` (to move the file unchanged, one line after ` ` is enough)"
    )]
    NoChunks(FilePath),
    /// `@@` and no lines.
    #[error(
        "a chunk without lines: write lines of the file below `@@`, each after ` `, `-` or `+`"
    )]
    EmptyChunk,
    /// A NUL.
    #[error("a NUL character: a patch is text")]
    Nul,
    /// The text has more bytes than the limit.
    #[error("the patch is larger than {0} bytes: split it")]
    TooLarge(usize),
    /// There are more of something than the limit.
    #[error("more {0} than {1} in one patch: split it")]
    TooMany(&'static str, usize),
}

impl ParseError {
    #[cold]
    pub(super) fn at(line: usize, problem: Problem) -> Self {
        let problem = Box::new(problem);
        Self::At { line, problem }
    }

    /// The line at fault, from 1, unless it is the patch as a whole.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::NoHunks => None,
            Self::At { line, .. } => Some(*line),
        }
    }
}
