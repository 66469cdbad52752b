//! The directories of the picture: where they are, and how they are watched.

use super::{
    mark::Mark,
    snapshot::{Snapshot, Work},
};
use crate::beneath;
use domain::ChangeKind;
use rustix::{
    fd::{BorrowedFd, OwnedFd},
    io::Errno,
};
use std::collections::HashMap;

/// The number of the root.
pub(super) const ROOT: u64 = 0;

/// A directory.
pub(super) struct Directory {
    /// The directory that it is in, and its name there.
    above: Option<(u64, Box<[u8]>)>,
    pub(super) mark: Mark,
    pub(super) watch: Option<i32>,
    /// What is in it; of a summarised one nothing.
    pub(super) names: HashMap<Box<[u8]>, Entry>,
    pub(super) summarised: bool,
}

/// What a name stands for.
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) directory: Option<u64>,
}

impl Directory {
    pub(super) fn new(above: Option<(u64, Box<[u8]>)>, mark: Mark) -> Self {
        Self {
            above,
            mark,
            watch: None,
            names: HashMap::new(),
            summarised: false,
        }
    }
}

impl Snapshot {
    /// Opens a directory, if it is still the one that the picture has.
    pub(super) fn open(&self, id: u64) -> Result<OwnedFd, Errno> {
        let path = self.path(id);
        let opened = beneath::open_real(self.workspace.inner().root(), path.as_slice())?;
        let mark = Mark::of(&beneath::stat_of(&opened)?);
        match self.directories.get(&id) {
            Some(here) if here.mark.same_thing(&mark) => Ok(opened),
            _ => Err(Errno::NOENT),
        }
    }

    /// The path of a directory below the root.
    pub(super) fn path(&self, id: u64) -> Vec<u8> {
        let mut names = Vec::new();
        let mut here = self.directories.get(&id);
        while let Some((above, name)) = here.and_then(|here| here.above.as_ref()) {
            names.push(name);
            here = self.directories.get(above);
        }
        let mut path = Vec::new();
        for name in names.into_iter().rev() {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }

    pub(super) fn is_summarised(&self, id: u64) -> bool {
        self.directories
            .get(&id)
            .is_some_and(|here| here.summarised)
    }

    /// A directory could not be looked into. Unless it turns out to be gone, it is tried again
    /// later.
    pub(super) fn lose_sight(&mut self, id: u64, errno: Errno) {
        match errno {
            // Deeper than any path reaches.
            Errno::NAMETOOLONG => return,
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::AGAIN => {
                let here = self.directories.get(&id);
                if let Some((above, name)) = here.and_then(|here| here.above.clone()) {
                    self.work.push_back(Work::Look(above, vec![name]));
                }
            }
            Errno::ACCESS | Errno::PERM => {}
            errno => tracing::warn!(%errno, "a directory of a workspace cannot be looked into"),
        }
        if self.directories.contains_key(&id) {
            self.polled.insert(id);
        }
    }

    /// Watches a directory, or notes that it must be polled.
    pub(super) fn watch(&mut self, id: u64, directory: BorrowedFd<'_>) {
        let Some(here) = self.directories.get(&id) else {
            return;
        };
        if here.watch.is_some() {
            self.polled.remove(&id);
            return;
        }
        let added = match self.by_watch.len() < self.most_watches {
            true => self.instance.add(directory, &self.pending),
            false => Err(Errno::NOSPC),
        };
        match added {
            Ok(watch) => {
                self.polled.remove(&id);
                if let Some(before) = self.by_watch.insert(watch, id) {
                    self.moved_away(before);
                }
                if let Some(here) = self.directories.get_mut(&id) {
                    here.watch = Some(watch);
                }
            }
            Err(errno) => {
                self.polled.insert(id);
                if !self.warned {
                    self.warned = true;
                    tracing::warn!(
                        %errno,
                        watches = self.by_watch.len(),
                        "not all of a workspace can be watched; the rest is looked at from time to time"
                    );
                }
            }
        }
    }

    /// The directory has another name now, under which it is watched.
    fn moved_away(&mut self, id: u64) {
        if let Some(before) = self.directories.get_mut(&id) {
            before.watch = None;
            if let Some((above, name)) = before.above.clone() {
                self.work.push_back(Work::Look(above, vec![name]));
            }
        }
    }

    pub(super) fn unwatch(&mut self, id: u64) {
        let here = self.directories.get_mut(&id);
        if let Some(watch) = here.and_then(|here| here.watch.take())
            && self.by_watch.get(&watch) == Some(&id)
        {
            self.by_watch.remove(&watch);
            self.instance.remove(watch);
        }
    }

    /// Takes a directory out of the picture, with all that is in it.
    pub(super) fn forget(&mut self, id: u64) {
        let mut gone = vec![id];
        while let Some(id) = gone.pop() {
            self.unwatch(id);
            self.polled.remove(&id);
            if let Some(directory) = self.directories.remove(&id) {
                self.names = self.names.saturating_sub(directory.names.len());
                let inner = directory.names.into_values();
                gone.extend(inner.filter_map(|entry| entry.directory));
            }
        }
    }

    /// From now on only tells that something in a directory changed: the picture is full.
    pub(super) fn summarise(&mut self, id: u64) {
        let Some(here) = self.directories.get_mut(&id) else {
            return;
        };
        here.summarised = true;
        let names = std::mem::take(&mut here.names);
        self.names = self.names.saturating_sub(names.len());
        for inner in names.into_values().filter_map(|entry| entry.directory) {
            self.forget(inner);
        }
        tracing::warn!(
            most = self.most_names,
            "a directory of a workspace holds too much to be watched name by name"
        );
        self.tell(id, b"", ChangeKind::Modified);
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        for watch in self.by_watch.keys() {
            self.instance.remove(*watch);
        }
    }
}
