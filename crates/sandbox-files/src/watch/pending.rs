//! Where to look again in one workspace.

use crate::path::WorkspacePath;
use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// With more names than these, the whole directory is looked at.
const MANY: usize = 4096;

/// Names in a directory to look at.
#[derive(Debug)]
pub(super) enum Names {
    /// These.
    Some(HashSet<Box<[u8]>>),
    /// All of them.
    All,
}

/// Places to look at, collected by the reader of inotify and taken by the workspace's task.
#[derive(Debug, Default)]
pub(super) struct Pending {
    places: Mutex<Places>,
    /// Notified when there is something after there was nothing.
    pub(super) wake: Notify,
}

/// The places.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By watch.
    pub(super) names: HashMap<i32, Names>,
    /// Watches that the kernel ended, because their directories are gone.
    pub(super) ended: Vec<i32>,
    /// Reports were lost.
    pub(super) everything: bool,
    /// When the first of these was reported.
    pub(super) since: Option<Instant>,
    /// What somebody says that they changed.
    pub(super) looks: Vec<WorkspacePath>,
}

/// What waits to be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Since when reports wait.
    pub(super) since: Option<Instant>,
    /// Whether reports were lost.
    pub(super) everything: bool,
    /// Whether somebody asked for a look.
    pub(super) looks: bool,
}

impl Pending {
    /// Something happened to that name, or to the directory itself.
    pub(super) fn report(&self, watch: i32, name: Option<&[u8]>) {
        let mut places = self.places();
        let names = places
            .names
            .entry(watch)
            .or_insert_with(|| Names::Some(HashSet::new()));
        match (&mut *names, name) {
            (Names::All, _) => {}
            (Names::Some(some), Some(name)) if some.len() < MANY => {
                if !some.contains(name) {
                    some.insert(name.into());
                }
            }
            (Names::Some(_), _) => *names = Names::All,
        }
        self.begin(places);
    }

    /// The kernel ended a watch.
    pub(super) fn ended(&self, watch: i32) {
        let mut places = self.places();
        places.ended.push(watch);
        self.begin(places);
    }

    /// Reports were lost.
    pub(super) fn lost(&self) {
        let mut places = self.places();
        places.everything = true;
        places.names.clear();
        self.begin(places);
    }

    fn begin(&self, mut places: MutexGuard<'_, Places>) {
        if places.since.is_none() {
            places.since = Some(Instant::now());
            drop(places);
            self.wake.notify_one();
        }
    }

    /// Somebody says that they changed it.
    pub(super) fn look(&self, path: WorkspacePath) {
        let mut places = self.places();
        if places.looks.len() < MANY {
            places.looks.push(path);
        } else {
            // The reports of the kernel have them all.
            places.since.get_or_insert_with(Instant::now);
        }
        drop(places);
        self.wake.notify_one();
    }

    /// What there is, without taking it.
    pub(super) fn waiting(&self) -> Waiting {
        let places = self.places();
        Waiting {
            since: places.since,
            everything: places.everything,
            looks: !places.looks.is_empty(),
        }
    }

    /// Takes all reports.
    pub(super) fn take(&self) -> Places {
        let mut places = self.places();
        let looks = mem::take(&mut places.looks);
        mem::replace(
            &mut places,
            Places {
                looks,
                ..Places::default()
            },
        )
    }

    /// Takes the looks that were asked for.
    pub(super) fn take_looks(&self) -> Vec<WorkspacePath> {
        mem::take(&mut self.places().looks)
    }

    /// Forgets what was reported of a name, because it is looked at now.
    pub(super) fn forget(&self, watch: i32, name: &[u8]) {
        if let Some(Names::Some(names)) = self.places().names.get_mut(&watch) {
            names.remove(name);
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
