//! What a name stood for when it was looked at.

use crate::beneath;
use rustix::fs::{FileType, Stat};
use std::time::{Duration, SystemTime};

/// Within this time after a change another one may bear the same time: the clock by which file
/// systems go ticks at most every 10 ms.
const TICK: Duration = Duration::from_millis(20);

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    kind: FileType,
    device: u64,
    inode: u64,
    size: u64,
    /// Nanoseconds since 1970.
    modified: i128,
    changed: i128,
    /// Whether it had changed so shortly before it was looked at that it may have changed again
    /// and bear the same times.
    recent: bool,
}

impl Mark {
    pub(super) fn of(stat: &Stat) -> Self {
        let changed = nanoseconds(stat.st_ctime.into(), stat.st_ctime_nsec.into());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(i128::MAX, |now| {
            i128::try_from(now.as_nanos()).unwrap_or(i128::MAX)
        });
        let tick = i128::try_from(TICK.as_nanos()).unwrap_or_default();
        Self {
            kind: beneath::kind(stat),
            device: stat.st_dev,
            inode: stat.st_ino,
            size: beneath::size(stat),
            modified: nanoseconds(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed,
            recent: now.saturating_sub(changed) < tick,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether both are of the same thing, in whatever state.
    pub(super) fn same_thing(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether the content may be another. `reported` says that the kernel saw something happen
    /// after this mark was made.
    pub(super) fn may_differ(&self, now: &Self, reported: bool) -> bool {
        let parts = |mark: &Self| (mark.kind, mark.size, mark.modified, mark.changed);
        !self.same_thing(now) || parts(self) != parts(now) || (self.recent && reported)
    }
}

fn nanoseconds(seconds: i128, nanoseconds: i128) -> i128 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}
