//! How many sandboxes there may be, how large, and for how long.

use crate::{backend::Limits, exec, projects::Projects};
use std::{path::PathBuf, time::Duration};

/// How the sandboxes of a runner are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The runner's state folder: everything is below `sandboxes/` in it.
    pub state: PathBuf,
    /// Whom the processes of new sandboxes are on the host, uid and gid.
    pub user: (u32, u32),
    /// What each may use.
    pub limits: Limits,
    /// How much is kept of what commands put out.
    pub exec: exec::Settings,
    /// Whether one that asks for it gets the network.
    pub network: bool,
    /// Which folders of the host may be workspaces.
    pub projects: Projects,
    /// How many a user may have.
    pub per_user: usize,
    /// How many all users together may have.
    pub total: usize,
    /// How many are kept ready for sessions to come; 0 turns that off.
    pub pool: usize,
    /// How long one is kept after it was used last.
    pub ttl: Duration,
    /// How long one runs on without a command.
    pub idle: Duration,
    /// How much a workspace may hold.
    pub quota: Quota,
    /// How much of the host's file system stays free.
    pub floor: Floor,
}

/// How much a workspace may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes on the disk, those of files that were deleted and are still open too.
    pub bytes: u64,
    /// Files, directories and all else that has a name.
    pub files: u64,
}

/// How much of the host's file system stays free: below either, sandboxes may only delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Bytes.
    pub bytes: u64,
    /// Hundredths of the whole.
    pub percent: u64,
}

impl Settings {
    /// The defaults, for a state folder and a user.
    #[must_use]
    pub fn new(state: PathBuf, user: (u32, u32)) -> Self {
        Self {
            state,
            user,
            limits: Limits {
                memory: 1 << 30,
                processes: 512,
                cpu_millis: 1000,
                file_size: 1 << 30,
                tmpfs: 256 << 20,
            },
            exec: exec::Settings::default(),
            network: false,
            projects: Projects::default(),
            per_user: 10,
            total: 100,
            pool: 0,
            ttl: Duration::from_secs(24 * 3600),
            idle: Duration::from_secs(30 * 60),
            quota: Quota {
                bytes: 2 << 30,
                files: 200_000,
            },
            floor: Floor {
                bytes: 1 << 30,
                percent: 5,
            },
        }
    }
}
