//! The picture of a workspace, and how it is brought up to date.
//!
//! Every directory that is looked into is watched before it is listed: what appears after the
//! listing is reported. Directories are opened by their path from the root with no symlink on the
//! way, and must be the ones that the picture has; else the name above is looked at again.

use super::{
    WatchSettings,
    directories::{Directory, Entry, ROOT},
    inotify::Instance,
    mark::Mark,
    pending::{Names, Pending, Places},
};
use crate::{
    beneath,
    listing::{below, each_name, is_special},
    path::WorkspacePath,
    workspace::Workspace,
};
use domain::{ChangeKind, FileChange};
use rustix::{fd::AsFd, io::Errno};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    mem,
    sync::Arc,
};

/// Directories in which tools keep what they made: too much, and of no interest by itself.
const SUMMARISED: [&[u8]; 3] = [b".git", b"node_modules", b"target"];

/// The root is gone; what was found before.
#[derive(Debug)]
pub(super) struct Gone(pub(super) Vec<FileChange>);

/// Something to look at.
pub(super) enum Work {
    /// Everything in a directory.
    Scan(u64),
    /// Names in it.
    Look(u64, Vec<Box<[u8]>>),
}

/// The picture.
pub(super) struct Snapshot {
    pub(super) workspace: Workspace,
    pub(super) instance: Arc<Instance>,
    pub(super) pending: Arc<Pending>,
    pub(super) most_watches: usize,
    pub(super) most_names: usize,
    pub(super) directories: HashMap<u64, Directory>,
    pub(super) by_watch: HashMap<i32, u64>,
    next: u64,
    pub(super) names: usize,
    /// Directories that are looked at from time to time.
    pub(super) polled: BTreeSet<u64>,
    pub(super) warned: bool,
    pub(super) work: VecDeque<Work>,
    found: Vec<FileChange>,
    /// Directories of which this round has told all that there is to tell.
    told: HashSet<u64>,
}

impl Snapshot {
    pub(super) fn new(
        workspace: Workspace,
        instance: Arc<Instance>,
        pending: Arc<Pending>,
        settings: &WatchSettings,
    ) -> Self {
        Self {
            workspace,
            instance,
            pending,
            most_watches: settings.most_watches,
            most_names: settings.most_names,
            directories: HashMap::new(),
            by_watch: HashMap::new(),
            next: ROOT + 1,
            names: 0,
            polled: BTreeSet::new(),
            warned: false,
            work: VecDeque::new(),
            found: Vec::new(),
            told: HashSet::new(),
        }
    }

    /// Takes the first picture, about which nothing is told.
    pub(super) fn begin(&mut self) -> Result<(), Errno> {
        let root = beneath::open_real(self.workspace.inner().root(), c".")?;
        let mark = Mark::of(&beneath::stat_of(&root)?);
        self.directories.insert(ROOT, Directory::new(None, mark));
        self.work.push_back(Work::Scan(ROOT));
        self.work_off();
        self.found.clear();
        self.told.clear();
        Ok(())
    }

    /// How many directories are looked at from time to time.
    pub(super) fn polled(&self) -> usize {
        self.polled.len()
    }

    /// Looks where something was reported.
    pub(super) fn apply(&mut self, places: Places) -> Result<Vec<FileChange>, Gone> {
        for watch in places.ended {
            if let Some(id) = self.by_watch.remove(&watch)
                && let Some(directory) = self.directories.get_mut(&id)
            {
                // There may be another one in its place by now, even with the same inode.
                directory.watch = None;
                self.work.push_back(Work::Scan(id));
            }
        }
        if places.everything {
            self.doubt_everything();
        } else {
            let mut reported: Vec<(u64, Names)> = places
                .names
                .into_iter()
                .filter_map(|(watch, names)| Some((*self.by_watch.get(&watch)?, names)))
                .collect();
            // Upper directories first: of what is gone with them nothing need be looked at.
            reported.sort_unstable_by_key(|(id, _)| *id);
            self.work
                .extend(reported.into_iter().map(|(id, names)| match names {
                    Names::All => Work::Scan(id),
                    Names::Some(names) => Work::Look(id, names.into_iter().collect()),
                }));
        }
        self.finish()
    }

    /// Looks at what somebody says that they changed.
    pub(super) fn look(&mut self, paths: Vec<WorkspacePath>) -> Result<Vec<FileChange>, Gone> {
        // What was reported of it up to now is seen by looking.
        if let Err(error) = self.instance.drain() {
            tracing::error!(%error, "inotify cannot be read");
        }
        for path in paths {
            self.look_along(&path);
        }
        self.finish()
    }

    /// Looks at directories that are not watched.
    pub(super) fn poll(&mut self) -> Result<Vec<FileChange>, Gone> {
        self.work
            .extend(self.polled.iter().map(|id| Work::Scan(*id)));
        self.finish()
    }

    fn doubt_everything(&mut self) {
        let mut all: Vec<u64> = self.directories.keys().copied().collect();
        all.sort_unstable();
        for id in all {
            if self
                .directories
                .get(&id)
                .is_some_and(|here| here.summarised)
            {
                self.tell_summary(id);
            } else {
                self.work.push_back(Work::Scan(id));
            }
        }
    }

    /// Looks at every name of a path, the upper first.
    fn look_along(&mut self, path: &WorkspacePath) {
        let mut id = ROOT;
        for name in path.names().map(str::as_bytes) {
            let Some(here) = self.directories.get(&id) else {
                return;
            };
            let watch = here.watch;
            match (here.summarised, watch) {
                (false, _) => {}
                // The kernel reports it as well: both are one change in the same window.
                (true, Some(watch)) => return self.pending.report(watch, None),
                (true, None) => return self.tell_summary(id),
            }
            let directory = match self.open(id) {
                Ok(directory) => directory,
                Err(errno) => return self.lose_sight(id, errno),
            };
            if let Some(watch) = watch {
                self.pending.forget(watch, name);
            }
            self.compare(id, &directory, name, false);
            self.work_off();
            let entry = self
                .directories
                .get(&id)
                .and_then(|here| here.names.get(name));
            match entry.and_then(|entry| entry.directory) {
                Some(next) => id = next,
                None => return,
            }
        }
    }

    fn finish(&mut self) -> Result<Vec<FileChange>, Gone> {
        self.work_off();
        self.told.clear();
        let found = mem::take(&mut self.found);
        match beneath::stat_of(self.workspace.inner().root()) {
            Ok(stat) if stat.st_nlink > 0 => Ok(found),
            _ => Err(Gone(found)),
        }
    }

    fn work_off(&mut self) {
        while let Some(work) = self.work.pop_front() {
            match work {
                Work::Scan(id) => self.scan(id),
                Work::Look(id, names) => self.look_at(id, &names),
            }
        }
    }

    fn look_at(&mut self, id: u64, names: &[Box<[u8]>]) {
        match self.directories.get(&id) {
            None => return,
            Some(here) if here.summarised => return self.tell_summary(id),
            Some(_) => {}
        }
        match self.open(id) {
            Ok(directory) => {
                for name in names {
                    self.compare(id, &directory, name, true);
                }
            }
            Err(errno) => self.lose_sight(id, errno),
        }
    }

    /// Watches a directory, lists it and compares.
    fn scan(&mut self, id: u64) {
        if !self.directories.contains_key(&id) {
            return;
        }
        let directory = match self.open(id) {
            Ok(directory) => directory,
            Err(errno) => return self.lose_sight(id, errno),
        };
        self.watch(id, directory.as_fd());
        if self.is_summarised(id) {
            return self.tell_summary(id);
        }
        let mut listed = HashSet::new();
        let most = self.most_names;
        let read = each_name(&directory, |name| {
            listed.insert(Box::<[u8]>::from(name.to_bytes()));
            listed.len() <= most
        });
        if let Err(errno) = read {
            return self.lose_sight(id, errno);
        }
        if let Some(here) = self.directories.get(&id) {
            let known = here.names.keys().filter(|name| !listed.contains(*name));
            let known: Vec<Box<[u8]>> = known.cloned().collect();
            listed.extend(known);
        }
        for name in &listed {
            self.compare(id, &directory, name, true);
            if self.is_summarised(id) {
                return;
            }
        }
    }

    /// Compares one name with the picture, and tells what differs.
    fn compare(&mut self, id: u64, directory: impl AsFd, name: &[u8], reported: bool) {
        if is_special(name) {
            return;
        }
        let now = match beneath::stat(directory, name) {
            Ok(stat) => Some(Mark::of(&stat)),
            Err(Errno::NOENT) => None,
            Err(errno) => return self.lose_sight(id, errno),
        };
        let entry = self.directories.get_mut(&id);
        let entry = entry.and_then(|here| here.names.get_mut(name));
        match (entry, now) {
            (None, None) => {}
            (None, Some(now)) => self.appeared(id, name, now),
            (Some(_), None) => self.vanished(id, name),
            (Some(entry), Some(now)) => {
                let was = mem::replace(&mut entry.mark, now);
                match (entry.directory, now.is_directory()) {
                    (Some(inner), true) if !was.same_thing(&now) => self.replaced(inner, now),
                    (Some(_), true) => {}
                    (None, false) if was.may_differ(&now, reported) => {
                        self.tell(id, name, ChangeKind::Modified);
                    }
                    (None, false) => {}
                    (Some(_), false) | (None, true) => {
                        self.vanished(id, name);
                        self.appeared(id, name, now);
                    }
                }
            }
        }
    }

    fn appeared(&mut self, id: u64, name: &[u8], mark: Mark) {
        if self.names >= self.most_names {
            return self.summarise(id);
        }
        let inner = mark.is_directory().then_some(self.next);
        let Some(here) = self.directories.get_mut(&id) else {
            return;
        };
        let directory = inner;
        here.names.insert(name.into(), Entry { mark, directory });
        self.names += 1;
        self.tell(id, name, ChangeKind::Created);
        if let Some(inner) = inner {
            self.next += 1;
            let mut directory = Directory::new(Some((id, name.into())), mark);
            directory.summarised = SUMMARISED.contains(&name);
            self.directories.insert(inner, directory);
            self.told.insert(inner);
            self.work.push_back(Work::Scan(inner));
        }
    }

    fn vanished(&mut self, id: u64, name: &[u8]) {
        let here = self.directories.get_mut(&id);
        if let Some(entry) = here.and_then(|here| here.names.remove(name)) {
            self.names = self.names.saturating_sub(1);
            self.tell(id, name, ChangeKind::Deleted);
            if let Some(inner) = entry.directory {
                self.forget(inner);
            }
        }
    }

    /// Another directory has the name of one that is known: what is in it is compared.
    fn replaced(&mut self, id: u64, mark: Mark) {
        self.unwatch(id);
        if let Some(here) = self.directories.get_mut(&id) {
            here.mark = mark;
            self.work.push_back(Work::Scan(id));
        }
    }

    fn tell_summary(&mut self, id: u64) {
        if self.told.insert(id) {
            self.tell(id, b"", ChangeKind::Modified);
        }
    }

    pub(super) fn tell(&mut self, id: u64, name: &[u8], kind: ChangeKind) {
        let path = match name {
            b"" => self.path(id),
            name => below(&self.path(id), name).into_bytes(),
        };
        let path = String::from_utf8_lossy(&path).into_owned();
        self.found.push(FileChange { path, kind });
    }
}
