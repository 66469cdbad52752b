//! All rooms of a runner.
//!
//! Invariant: of each session at most one [`Room`] is in memory, so each file has one writer. A
//! room leaves memory only when nobody else holds it.

use crate::{
    After, Closed, Counts, EventId, OpenError, Presence, PublishError, Published, RunStep,
    Settings, SubscribeError, Subscription,
    counts::Counters,
    custody::{Custody, GONE},
    errors::RoomError,
    log::Log,
    readers::Readers,
    room::Room,
};
use domain::Event;
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
};
use tokio::sync::{OnceCell, broadcast};
use uuid::Uuid;

pub(crate) type Cell = Arc<OnceCell<Arc<Room>>>;

/// All rooms of a runner. Clones share them.
#[derive(Clone, Debug)]
pub struct Rooms {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) custody: Custody,
    pub(crate) settings: Arc<Settings>,
    counters: Arc<Counters>,
    readers: Arc<Readers>,
    cells: Mutex<Cells>,
}

/// How a reader enters.
#[derive(Clone, Copy, Debug)]
struct Entrance {
    /// How many readers the room may have.
    most: u32,
    kind: Kind,
}

/// What a room is to who enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A session's own.
    Own,
    /// The same, and from now on a lasting one.
    Lasting,
    /// Several sessions', and none's own.
    Shared,
}

/// What is in memory.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) by_session: HashMap<Uuid, Cell>,
    pub(crate) stopping: bool,
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
        let readers = Readers::new(counters.clone());
        Self {
            inner: Arc::new(Inner {
                custody,
                settings: Arc::new(settings),
                counters,
                readers: Arc::new(readers),
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
        let published = self.publish_step(session, None, events).await;
        published.map(|published| published.ids)
    }

    /// Publishes as [`publish`](Self::publish) does the events that tell a step of a run. Those
    /// that the room has already, from before a restart, are left out.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish_step(
        &self,
        session: Uuid,
        step: Option<RunStep>,
        events: Vec<Event>,
    ) -> Result<Published, PublishError> {
        let published = self.publish_now(session, step, events).await;
        if published.is_err() {
            self.inner.counters.failed.fetch_add(1, Relaxed);
        }
        published
    }

    async fn publish_now(
        &self,
        session: Uuid,
        step: Option<RunStep>,
        events: Vec<Event>,
    ) -> Result<Published, PublishError> {
        let room = self.room(session).await?;
        let mut log = room.log.clone().lock_owned().await;
        blocking(move || room.publish(&mut log, events, step)).await?
    }

    /// The number of the newest event in the room of `session`, 0 before the first. It is told
    /// without its epoch, so it must not be given again: with an event in it, the room is a
    /// lasting one when this returns.
    ///
    /// # Errors
    /// The room cannot be read or made a lasting one, or is closed.
    pub async fn newest(&self, session: Uuid) -> Result<u64, PublishError> {
        let room = self.room(session).await?;
        let mut log = room.log.clone().lock_owned().await;
        room.refuse_closed()?;
        let newest = log.next - 1;
        if newest > 0 {
            blocking(move || log.make_lasting()).await??;
        }
        Ok(newest)
    }

    /// The last step of `run` whose events are in the room of `session`; 0 for none.
    ///
    /// # Errors
    /// The room cannot be read.
    pub async fn seen(&self, session: Uuid, run: Uuid) -> Result<u64, PublishError> {
        let room = self.room(session).await?;
        let log = room.log.clone().lock_owned().await;
        Ok(log.told.seen_of(run))
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
        let kind = Kind::Own;
        self.enter(session, user, after, self.entrance(kind)).await
    }

    /// The same where the room is several sessions' and none's own: it is no session that
    /// [`occupied`](Self::occupied) names.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe_shared(
        &self,
        room: Uuid,
        user: i64,
        after: After,
    ) -> Result<Subscription, SubscribeError> {
        let kind = Kind::Shared;
        self.enter(room, user, after, self.entrance(kind)).await
    }

    /// The same as [`subscribe`](Self::subscribe), and makes the room a lasting one: this reader
    /// sees numbers without an epoch. The room may have `most` readers.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe_lasting(
        &self,
        session: Uuid,
        user: i64,
        after: After,
        most: u32,
    ) -> Result<Subscription, SubscribeError> {
        let kind = Kind::Lasting;
        let entrance = Entrance { most, kind };
        self.enter(session, user, after, entrance).await
    }

    /// The way into a room of that kind with as many readers as any may have.
    fn entrance(&self, kind: Kind) -> Entrance {
        let most = self.inner.settings.readers_per_room;
        Entrance { most, kind }
    }

    async fn enter(
        &self,
        session: Uuid,
        user: i64,
        after: After,
        entrance: Entrance,
    ) -> Result<Subscription, SubscribeError> {
        let room = self.room(session).await?;
        // The reader is shown an id of this epoch: it must outlast a restart.
        let mut log = room.log.clone().lock_owned().await;
        let keeping = room.clone();
        blocking(move || {
            let closed = keeping.live().closed.is_some();
            if closed {
                return Ok(());
            }
            match entrance.kind {
                Kind::Lasting => log.make_lasting(),
                Kind::Own | Kind::Shared => log.ensure_kept(),
            }
        })
        .await??;
        let readers = self.inner.readers.clone();
        let mut live = room.live();
        if let Some(why) = live.closed {
            return Err(SubscribeError::Closed(why));
        }
        if !readers.entered(user, self.inner.settings.readers_per_user) {
            return Err(SubscribeError::UserFull);
        }
        let Some(first) = live.join(user, entrance.most) else {
            readers.left(user);
            return Err(SubscribeError::RoomFull);
        };
        live.shared |= entrance.kind == Kind::Shared;
        let begin = live.begin(after);
        drop(live);
        if first {
            readers.occupancy_changed(session);
        }
        Ok(Subscription::new(room, readers, user, begin))
    }

    /// Who is in the room of `session`.
    #[must_use]
    pub fn presence(&self, session: Uuid) -> Presence {
        let cell = self.cells().by_session.get(&session).cloned();
        let room = cell.as_ref().and_then(|cell| cell.get());
        room.map(|room| room.live().presence()).unwrap_or_default()
    }

    /// The sessions whose own rooms have readers.
    #[must_use]
    pub fn occupied(&self) -> Vec<Uuid> {
        let cells = self.cells();
        let rooms = cells.by_session.values().filter_map(|cell| cell.get());
        let occupied = rooms.filter(|room| {
            let live = room.live();
            live.presence().connections > 0 && !live.shared
        });
        occupied.map(|room| room.session).collect()
    }

    /// The sessions whose rooms are lasting ones. These stay until they are deleted.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn lasting(&self) -> io::Result<Vec<Uuid>> {
        let rooms = self.clone();
        blocking(move || rooms.lasting_on_disk()).await?
    }

    /// Tells the sessions whose first reader came or whose last one left, as a hint to look at
    /// their [`presence`](Self::presence). Whoever lags looks at all.
    #[must_use]
    pub fn occupancy(&self) -> broadcast::Receiver<Uuid> {
        self.inner.readers.occupancy()
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

    fn lasting_on_disk(&self) -> io::Result<Vec<Uuid>> {
        let mut lasting = Vec::new();
        for (session, folder) in self.on_disk()? {
            if Log::is_lasting(&folder)? {
                lasting.push(session);
            }
        }
        Ok(lasting)
    }

    /// The rooms that are on the disk, and where. Blocks.
    pub(crate) fn on_disk(&self) -> io::Result<Vec<(Uuid, PathBuf)>> {
        let mut rooms = Vec::new();
        for entry in std::fs::read_dir(self.inner.custody.folder())? {
            let entry = entry?;
            let name = entry.file_name();
            let session = name.to_str().and_then(|name| name.parse::<Uuid>().ok());
            rooms.extend(session.map(|session| (session, entry.path())));
        }
        Ok(rooms)
    }

    pub(crate) fn cells(&self) -> MutexGuard<'_, Cells> {
        let cells = self.inner.cells.lock();
        cells.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a room's folder so that it is gone whole, also when this is interrupted.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
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

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::from)
}
