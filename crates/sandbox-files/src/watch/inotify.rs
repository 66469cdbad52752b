//! An instance of inotify, shared by workspaces.
//!
//! Whoever a watch belongs to is noted under the same lock under which it is set, so that no report
//! finds a watch without its owner.

use super::pending::Pending;
use crate::{beneath, listing::is_special};
use rustix::{
    fd::{BorrowedFd, OwnedFd},
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use std::{
    collections::HashMap,
    io,
    mem::MaybeUninit,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::{io::unix::AsyncFd, task::AbortHandle};

/// The error for a user who has no instance left.
pub(super) const NO_INSTANCE: i32 = Errno::MFILE.raw_os_error();

/// What is read at once, in bytes: some 2,000 reports.
const BUFFER: usize = 64 << 10;

/// How many reports are handled before others have their turn.
const TURN: usize = 8192;

/// What is reported of a directory. Closing counts because who writes through a mapping says
/// nothing else.
const REPORTED: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::EXCL_UNLINK)
    .union(WatchFlags::ONLYDIR);

/// An instance with the task that reads it.
#[derive(Debug)]
pub(super) struct Instance {
    queue: Arc<Queue>,
    reader: AbortHandle,
}

#[derive(Debug)]
struct Queue {
    inotify: AsyncFd<OwnedFd>,
    owners: Mutex<Owners>,
    /// Held while it is read, so that reports are handled in their order.
    buffer: Mutex<Vec<MaybeUninit<u8>>>,
}

#[derive(Debug, Default)]
struct Owners {
    watches: HashMap<i32, Arc<Pending>>,
    workspaces: Vec<Weak<Pending>>,
}

impl Instance {
    /// Must be called in a runtime.
    pub(super) fn new() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let queue = Arc::new(Queue {
            inotify: readable(inotify)?,
            owners: Mutex::default(),
            buffer: Mutex::new(vec![MaybeUninit::uninit(); BUFFER]),
        });
        let reader = tokio::spawn(queue.clone().read()).abort_handle();
        Ok(Self { queue, reader })
    }

    /// How many workspaces use it.
    pub(super) fn workspaces(&self) -> usize {
        let mut owners = self.queue.owners();
        owners.workspaces.retain(|owner| owner.strong_count() > 0);
        owners.workspaces.len()
    }

    /// From now on that workspace hears when reports are lost.
    pub(super) fn enlist(&self, workspace: &Arc<Pending>) {
        let mut owners = self.queue.owners();
        owners.workspaces.push(Arc::downgrade(workspace));
    }

    /// Watches an open directory, whatever its path is by now.
    pub(super) fn add(
        &self,
        directory: BorrowedFd<'_>,
        owner: &Arc<Pending>,
    ) -> Result<i32, Errno> {
        let mut owners = self.queue.owners();
        let path = beneath::own_path(directory);
        let watch = inotify::add_watch(&self.queue.inotify, path, REPORTED)?;
        owners.watches.insert(watch, owner.clone());
        Ok(watch)
    }

    /// Ends a watch. One whose directory is gone has ended by itself.
    pub(super) fn remove(&self, watch: i32) {
        self.queue.owners().watches.remove(&watch);
        let removed = inotify::remove_watch(&self.queue.inotify, watch);
        if let Err(errno) = removed
            && errno != Errno::INVAL
        {
            tracing::warn!(%errno, "a watch could not be ended");
        }
    }

    /// Handles what has been reported by now.
    pub(super) fn drain(&self) -> io::Result<()> {
        self.queue.handle().map(|_| ())
    }
}

#[expect(
    unsafe_code,
    reason = "tokio has no safe way any more; the descriptor is owned, so it stays open and the same"
)]
fn readable(inotify: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, and is the same descriptor for as long as it lives.
    Ok(unsafe { AsyncFd::register(inotify) }?)
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Queue {
    async fn read(self: Arc<Self>) {
        loop {
            let mut ready = match self.inotify.readable().await {
                Ok(ready) => ready,
                Err(error) => return self.failed(&error),
            };
            match self.handle() {
                Ok(true) => {}
                Ok(false) => ready.clear_ready(),
                Err(error) => return self.failed(&error),
            }
            drop(ready);
            tokio::task::yield_now().await;
        }
    }

    fn failed(&self, error: &io::Error) {
        tracing::error!(%error, "inotify cannot be read; its workspaces are not watched any more");
    }

    /// Handles reports until there are none, or enough for a turn; says whether there may be more.
    fn handle(&self) -> io::Result<bool> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reports = Reader::new(self.inotify.get_ref(), &mut buffer);
        for _ in 0..TURN {
            let report = match reports.next() {
                Ok(report) => report,
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            self.one(report.events(), report.wd(), report.file_name());
        }
        Ok(true)
    }

    fn one(&self, events: ReadFlags, watch: i32, name: Option<&std::ffi::CStr>) {
        let mut owners = self.owners();
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            for workspace in owners.workspaces.iter().filter_map(Weak::upgrade) {
                workspace.lost();
            }
            return;
        }
        let name = name.map(std::ffi::CStr::to_bytes);
        if name.is_some_and(is_special) {
            return;
        }
        if events.contains(ReadFlags::IGNORED) {
            if let Some(owner) = owners.watches.remove(&watch) {
                owner.ended(watch);
            }
        } else if let Some(owner) = owners.watches.get(&watch) {
            owner.report(watch, name);
        }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
