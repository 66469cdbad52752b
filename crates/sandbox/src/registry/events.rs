//! What happens to sandboxes, for those who watch their files or show their state.

use std::path::PathBuf;
use uuid::Uuid;

/// How many events a slow listener may lie behind.
pub(super) const BEHIND: usize = 1024;

/// Something happened to a session's sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Whose sandbox.
    pub session: Uuid,
    /// What.
    pub change: Change,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It runs: launched, started again, or found running by a new runner.
    Started {
        /// Its files on the host.
        workspace: PathBuf,
    },
    /// It does not run any longer; its files are kept.
    Stopped,
    /// It is gone with its files.
    Destroyed,
}
