//! What changes in workspaces goes into the rooms of their sessions.

use super::held::Holdings;
use crate::drain::Drain;
use domain::{ChangeKind, Event, FileChange};
use rooms::{PublishError, Rooms};
use sandbox::registry::{Change, Lifecycle, Sandboxes};
use sandbox_files::{Changes, Watcher};
use std::{
    collections::HashMap,
    error::Error as StdError,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, broadcast::error::RecvError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many changes are published at once.
const AT_ONCE: usize = 512;

/// How many workspaces are looked at for the first time at once.
const AT_A_TIME: usize = 4;

/// How long a room that cannot take changes is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Watches the workspaces of all sandboxes.
#[derive(Debug)]
pub(super) struct Watching {
    sandboxes: Sandboxes,
    holdings: Arc<Holdings>,
    rooms: Rooms,
    watcher: Watcher,
    drain: Drain,
    /// How many workspaces are looked at for the first time at once.
    turns: Semaphore,
    /// Held while a session's watch is set up: there is one of each.
    settings_up: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>,
    /// What ends each watch, and is cancelled also when one ended by itself.
    watched: Mutex<HashMap<Uuid, CancellationToken>>,
}

impl Watching {
    pub(super) fn new(
        sandboxes: Sandboxes,
        holdings: Arc<Holdings>,
        rooms: Rooms,
        drain: Drain,
    ) -> Self {
        Self {
            sandboxes,
            holdings,
            rooms,
            watcher: Watcher::default(),
            drain,
            turns: Semaphore::new(AT_A_TIME),
            settings_up: Mutex::default(),
            watched: Mutex::default(),
        }
    }

    /// Follows what happens to sandboxes until the runner stops.
    pub(super) async fn keep(self: Arc<Self>) {
        let stopping = self.drain.stopping();
        let mut changes = self.sandboxes.subscribe();
        for session in self.sandboxes.sessions() {
            self.drain.spawn(self.clone().take_up(session));
        }
        loop {
            let change = tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                change = changes.recv() => change,
            };
            match change {
                Ok(Lifecycle { session, change }) => match change {
                    // Large workspaces take a while to look at, and must not keep others waiting.
                    Change::Started { .. } => self.drain.spawn(self.clone().watch(session)),
                    // Its files are kept, and can be changed.
                    Change::Stopped => {}
                    Change::Destroyed => self.forget(session),
                },
                Err(RecvError::Lagged(_)) => self.look_at_all().await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Watches the files of a sandbox that an earlier runner left. What changed in between nobody
    /// saw, so readers are told to look at everything.
    async fn take_up(self: Arc<Self>, session: Uuid) {
        self.clone().watch(session).await;
        let everything = FileChange {
            path: String::new(),
            kind: ChangeKind::Modified,
        };
        self.publish(session, &[everything]).await;
    }

    async fn look_at_all(self: &Arc<Self>) {
        let there = self.sandboxes.sessions();
        let gone: Vec<Uuid> = {
            let watched = self.all();
            let gone = watched.keys().filter(|session| !there.contains(session));
            gone.copied().collect()
        };
        for session in gone {
            self.forget(session);
        }
        for session in there {
            self.drain.spawn(self.clone().watch(session));
        }
    }

    /// Watches the session's files, unless they are watched. When it resolves they are.
    pub(super) async fn watch(self: Arc<Self>, session: Uuid) {
        let setting_up = {
            let mut all = self
                .settings_up
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.entry(session).or_default().clone()
        };
        let _alone = setting_up.lock().await;
        let live = |watch: &CancellationToken| !watch.is_cancelled();
        if self.all().get(&session).is_some_and(live) {
            return;
        }
        let _turn = self.turns.acquire().await;
        // Its registry looks at it by itself: this is no use of it.
        let Ok(files) = self.sandboxes.files(session) else {
            return;
        };
        let held = match self.holdings.files(session, &files) {
            Ok(held) => held,
            Err(error) => {
                let error = &error as &dyn StdError;
                tracing::error!(%session, error, "a workspace cannot be opened");
                return;
            }
        };
        match self.watcher.watch(&held.workspace).await {
            Ok((watch, changes)) => {
                self.holdings.watched(session, watch);
                let end = self.drain.stopping();
                self.all().insert(session, end.clone());
                let telling = self.clone().tell(session, changes);
                self.drain.spawn(async move {
                    let ended = end.clone().drop_guard();
                    tokio::select! {
                        () = end.cancelled() => {}
                        () = telling => {}
                    }
                    drop(ended);
                });
            }
            Err(error) => {
                let error = &error as &dyn StdError;
                tracing::error!(%session, error, "a workspace is not watched");
            }
        }
    }

    fn forget(&self, session: Uuid) {
        if let Some(watch) = self.all().remove(&session) {
            watch.cancel();
        }
        self.holdings.forget(session);
        let mut all = self
            .settings_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.remove(&session);
    }

    /// Tells the session's room of changes, in order, until the workspace is gone.
    async fn tell(self: Arc<Self>, session: Uuid, mut changes: Changes) {
        while let Some(window) = changes.next().await {
            let mut parts: Vec<&[FileChange]> = window.chunks(AT_ONCE).rev().collect();
            while let Some(part) = parts.pop() {
                match self.publish(session, part).await {
                    Told::Yes => {}
                    Told::InParts => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                    Told::NoMore => return,
                }
            }
        }
    }

    async fn publish(&self, session: Uuid, changes: &[FileChange]) -> Told {
        // The room of a session that is no more is not opened again.
        if self.sandboxes.status(session).is_err() {
            return Told::NoMore;
        }
        let events: Vec<Event> = changes.iter().cloned().map(Event::FileChange).collect();
        loop {
            let obstacle = match self.rooms.publish(session, events.clone()).await {
                Ok(_) => return Told::Yes,
                Err(PublishError::Deleted | PublishError::Stopping) => return Told::NoMore,
                // Long names. One change alone always fits.
                Err(PublishError::TooLarge { .. }) if changes.len() > 1 => return Told::InParts,
                Err(obstacle) => obstacle,
            };
            tracing::warn!(
                %session,
                error = &obstacle as &dyn StdError,
                "changes of files wait to be told"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of changes that were to be told.
enum Told {
    Yes,
    /// They are too many at once.
    InParts,
    /// There is nobody to tell any more.
    NoMore,
}
