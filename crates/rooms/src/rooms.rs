//! All rooms of a runner.
//!
//! Invariant: of each session at most one [`Room`] is in memory, so each file has one writer. A
//! room leaves memory only when nobody else holds it.

use crate::{
    After, Closed, Counts, EventId, OpenError, Presence, Settings, Subscription,
    counts::Counters,
    custody::{Custody, GONE},
    room::Room,
};
use domain::Event;
use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    time::SystemTime,
};
use tokio::sync::{OnceCell, broadcast};
use uuid::Uuid;

/// How many changes of occupancy are kept for whoever watches them.
const OCCUPANCY: usize = 1024;

type Cell = Arc<OnceCell<Arc<Room>>>;

/// All rooms of a runner. Clones share them.
#[derive(Clone, Debug)]
pub struct Rooms {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    custody: Custody,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    shared: Arc<Shared>,
    cells: Mutex<Cells>,
}

/// What is in memory.
#[derive(Debug, Default)]
struct Cells {
    by_session: HashMap<Uuid, Cell>,
    stopping: bool,
}

/// What readers of all rooms share.
#[derive(Debug)]
pub(crate) struct Shared {
    users: Mutex<HashMap<i64, u32>>,
    occupancy: broadcast::Sender<Uuid>,
    counters: Arc<Counters>,
}

/// Why events were not published. None of them was shown.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// An event, or all together, are too large.
    #[error("{size} bytes are more than the {most} that are allowed")]
    TooLarge {
        /// How large, in bytes.
        size: usize,
        /// How large it may be.
        most: usize,
    },
    /// The session is being deleted.
    #[error("the session is deleted")]
    Deleted,
    /// The runner stops.
    #[error("the runner stops")]
    Stopping,
    /// There are too many rooms in memory.
    #[error("too many rooms are in use")]
    Full,
    /// They could not be written to the disk.
    #[error("events cannot be written")]
    Disk(#[from] io::Error),
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The room has too many readers.
    #[error("too many readers are in this room")]
    RoomFull,
    /// The user has too many readers.
    #[error("this user has too many readers")]
    UserFull,
    /// There are too many rooms in memory.
    #[error("too many rooms are in use")]
    Full,
    /// The runner stops, or the session is being deleted.
    #[error("the room is closed")]
    Closed(Closed),
    /// The room's file cannot be read or made.
    #[error("the room cannot be opened")]
    Disk(#[from] io::Error),
}

/// Why a room is not to be had.
enum RoomError {
    Full,
    Stopping,
    Disk(io::Error),
}

impl Rooms {
    /// Takes `folder`, which is made if it is missing, for this process alone. Blocks.
    ///
    /// # Errors
    /// Another process has the folder, or it cannot be read and written.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, OpenError> {
        Ok(Self::new(Custody::take(folder)?, settings))
    }

    /// The same in a given boot of the machine.
    #[doc(hidden)]
    pub fn open_in(folder: &Path, settings: Settings, boot: &str) -> Result<Self, OpenError> {
        Ok(Self::new(Custody::take_in(folder, boot)?, settings))
    }

    fn new(custody: Custody, settings: Settings) -> Self {
        let counters = Arc::new(Counters::default());
        let shared = Shared {
            users: Mutex::default(),
            occupancy: broadcast::Sender::new(OCCUPANCY),
            counters: counters.clone(),
        };
        Self {
            inner: Arc::new(Inner {
                custody,
                settings: Arc::new(settings),
                counters,
                shared: Arc::new(shared),
                cells: Mutex::default(),
            }),
        }
    }

    /// Publishes events into the room of `session`, all of them or none, and returns their
    /// numbers. They are in the room's file before a reader sees them. Dropping the future does
    /// not take back what has begun.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(
        &self,
        session: Uuid,
        events: Vec<Event>,
    ) -> Result<Vec<EventId>, PublishError> {
        let published = self.publish_now(session, events).await;
        if published.is_err() {
            self.inner.counters.failed.fetch_add(1, Relaxed);
        }
        published
    }

    async fn publish_now(
        &self,
        session: Uuid,
        events: Vec<Event>,
    ) -> Result<Vec<EventId>, PublishError> {
        let room = self.room(session).await?;
        let mut log = room.log.clone().lock_owned().await;
        blocking(move || room.publish(&mut log, events)).await?
    }

    /// Enters the room of `session` as a reader of `user`.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe(
        &self,
        session: Uuid,
        user: i64,
        after: After,
    ) -> Result<Subscription, SubscribeError> {
        let room = self.room(session).await?;
        // The reader is shown an id of this epoch: it must outlast a restart.
        let mut log = room.log.clone().lock_owned().await;
        let keeping = room.clone();
        blocking(move || match keeping.live().closed {
            Some(_) => Ok(()),
            None => log.ensure_kept(),
        })
        .await??;
        let shared = self.inner.shared.clone();
        let mut live = room.live();
        if let Some(why) = live.closed {
            return Err(SubscribeError::Closed(why));
        }
        if !shared.entered(user, self.inner.settings.readers_per_user) {
            return Err(SubscribeError::UserFull);
        }
        let Some(first) = live.join(user, self.inner.settings.readers_per_room) else {
            shared.left(user);
            return Err(SubscribeError::RoomFull);
        };
        let begin = live.begin(after);
        drop(live);
        if first {
            shared.occupancy_changed(session);
        }
        Ok(Subscription::new(room, shared, user, begin))
    }

    /// Who is in the room of `session`.
    #[must_use]
    pub fn presence(&self, session: Uuid) -> Presence {
        let cell = self.cells().by_session.get(&session).cloned();
        let room = cell.as_ref().and_then(|cell| cell.get());
        room.map(|room| room.live().presence()).unwrap_or_default()
    }

    /// Tells the sessions whose first reader came or whose last one left, as a hint to look at
    /// their [`presence`](Self::presence). Whoever lags looks at all.
    #[must_use]
    pub fn occupancy(&self) -> broadcast::Receiver<Uuid> {
        self.inner.shared.occupancy.subscribe()
    }

    /// Deletes a session's room: its readers are told, its events removed.
    ///
    /// # Errors
    /// Its files could not be removed; readers are told all the same.
    pub async fn delete(&self, session: Uuid) -> io::Result<()> {
        let room = match self.room(session).await {
            Ok(room) => room,
            Err(RoomError::Disk(error)) => return Err(error),
            Err(RoomError::Full | RoomError::Stopping) => {
                return Err(io::Error::other("rooms are full or stopping"));
            }
        };
        let log = room.log.clone().lock_owned().await;
        let rooms = self.clone();
        blocking(move || {
            // Until the folder has another name, nobody may open a new room in its place.
            let removed = remove(room.folder());
            room.close(Closed::Deleted);
            rooms.cells().by_session.remove(&session);
            drop(log);
            removed
        })
        .await?
    }

    /// Takes rooms out of memory that nobody uses, and removes events from the disk that are too
    /// old. To be called every few seconds.
    ///
    /// # Errors
    /// The last failure, after everything was tried.
    pub async fn sweep(&self) -> io::Result<()> {
        let idle = self.idle_rooms();
        let mut swept = Ok(());
        for (session, room) in idle {
            let mut log = room.log.clone().lock_owned().await;
            let synced = blocking(move || {
                log.prune(&room.settings)?;
                room.live().oldest = log.oldest();
                log.sync()
            });
            let synced = synced.await.and_then(|synced| synced);
            if synced.is_ok() {
                self.evict(session);
            }
            swept = synced.and(swept);
        }
        let rooms = self.clone();
        let removed = blocking(move || rooms.remove_old()).await;
        removed.and_then(|removed| removed).and(swept)
    }

    /// Tells all readers that the runner stops. Nothing is published afterwards.
    pub fn stop(&self) {
        let mut cells = self.cells();
        cells.stopping = true;
        let all: Vec<Cell> = cells.by_session.values().cloned().collect();
        drop(cells);
        for room in all.iter().filter_map(|cell| cell.get()) {
            room.close(Closed::Stopping);
        }
    }

    /// Brings everything to the disk, so that also a restart of the machine loses nothing. To be
    /// called last, after [`stop`](Self::stop).
    ///
    /// # Errors
    /// Something could not be written: then a restart of the machine loses the kept events, and
    /// says so.
    pub async fn close(&self) -> io::Result<()> {
        self.stop();
        let all: Vec<Cell> = self.cells().by_session.values().cloned().collect();
        for room in all.iter().filter_map(|cell| cell.get()) {
            let mut log = room.log.clone().lock_owned().await;
            blocking(move || log.sync()).await??;
        }
        let rooms = self.clone();
        blocking(move || rooms.inner.custody.leave_clean()).await?
    }

    /// What happened, and how things are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let rooms = self.cells().by_session.len();
        self.inner.counters.read(rooms)
    }

    /// The room of a session, read from the disk if it is not in memory.
    async fn room(&self, session: Uuid) -> Result<Arc<Room>, RoomError> {
        let cell = {
            let mut cells = self.cells();
            if cells.stopping {
                return Err(RoomError::Stopping);
            }
            let full = cells.by_session.len() >= self.inner.settings.rooms;
            match cells.by_session.get(&session) {
                Some(cell) => cell.clone(),
                None if full => return Err(RoomError::Full),
                None => cells.by_session.entry(session).or_default().clone(),
            }
        };
        if let Some(room) = cell.get() {
            return Ok(room.clone());
        }
        let inner = self.inner.clone();
        // Not cancelled with whoever asked: a second opening beside the first could take what
        // the room writes meanwhile for a torn end.
        let opening = tokio::spawn(async move {
            let open = || async {
                let folder = inner.custody.folder().join(session.to_string());
                let (settings, counters) = (inner.settings.clone(), inner.counters.clone());
                let opened = move || Room::open(session, folder, settings, counters).map(Arc::new);
                blocking(opened).await?
            };
            cell.get_or_try_init(open).await.cloned()
        });
        let opened = opening.await.map_err(io::Error::from);
        let room = opened.and_then(|room| room).map_err(RoomError::Disk)?;
        // Whoever stopped the rooms may not have seen this one.
        if self.cells().stopping {
            return Err(RoomError::Stopping);
        }
        Ok(room)
    }

    /// Rooms that nobody used for a while, and rooms that could not be opened.
    fn idle_rooms(&self) -> Vec<(Uuid, Arc<Room>)> {
        let mut cells = self.cells();
        let unopened = |cell: &Cell| cell.get().is_none() && Arc::strong_count(cell) == 1;
        cells.by_session.retain(|_, cell| !unopened(cell));
        let rooms = cells.by_session.iter();
        let rooms = rooms.filter_map(|(session, cell)| Some((*session, cell.get()?.clone())));
        let idle = |room: &Room| {
            let live = room.live();
            live.presence().connections == 0 && live.used.elapsed() >= self.inner.settings.idle
        };
        rooms.filter(|(_, room)| idle(room)).collect()
    }

    /// Takes a room out of memory, unless somebody came to use it.
    fn evict(&self, session: Uuid) {
        let mut cells = self.cells();
        let unused = cells.by_session.get(&session).is_some_and(|cell| {
            let room = cell.get();
            Arc::strong_count(cell) == 1
                && room.is_some_and(|room| {
                    Arc::strong_count(room) == 1
                        && room.live().used.elapsed() >= self.inner.settings.idle
                })
        });
        if unused {
            cells.by_session.remove(&session);
        }
    }

    /// Removes rooms that nothing was written to for too long. Blocks.
    fn remove_old(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.inner.custody.folder())? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(session) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let changed = entry.metadata()?.modified()?;
            if age(changed) <= self.inner.settings.age {
                continue;
            }
            // Locked, so that nobody opens it meanwhile.
            let cells = self.cells();
            if !cells.by_session.contains_key(&session)
                && is_old(&entry.path(), &self.inner.settings)?
            {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn cells(&self) -> MutexGuard<'_, Cells> {
        let cells = self.inner.cells.lock();
        cells.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Counts a reader of `user` in, unless there are `most` already.
    fn entered(&self, user: i64, most: u32) -> bool {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let count = users.entry(user).or_default();
        if *count >= most {
            return false;
        }
        *count += 1;
        self.counters.readers.fetch_add(1, Relaxed);
        true
    }

    /// Counts one out.
    pub(crate) fn left(&self, user: i64) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = users.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                users.remove(&user);
            }
        }
        self.counters.readers.fetch_sub(1, Relaxed);
    }

    pub(crate) fn occupancy_changed(&self, session: Uuid) {
        // Nobody need watch.
        let _ = self.occupancy.send(session);
    }
}

impl From<RoomError> for PublishError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Full => Self::Full,
            RoomError::Stopping => Self::Stopping,
            RoomError::Disk(error) => Self::Disk(error),
        }
    }
}

impl From<RoomError> for SubscribeError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Full => Self::Full,
            RoomError::Stopping => Self::Closed(Closed::Stopping),
            RoomError::Disk(error) => Self::Disk(error),
        }
    }
}

/// Removes a room's folder so that it is gone whole, also when this is interrupted.
fn remove(folder: &Path) -> io::Result<()> {
    let gone = folder.with_extension(GONE.trim_start_matches('.'));
    match std::fs::remove_dir_all(&gone) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match std::fs::rename(folder, &gone) {
        Ok(()) => std::fs::remove_dir_all(&gone),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether no file of a room was written to for too long.
fn is_old(folder: &Path, settings: &Settings) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        if age(entry?.metadata()?.modified()?) <= settings.age {
            return Ok(false);
        }
    }
    Ok(true)
}

fn age(changed: SystemTime) -> std::time::Duration {
    changed.elapsed().unwrap_or_default()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::from)
}
