//! Keeping rooms small: files are closed, memory is given back, what is old is removed.

use crate::{
    Rooms, Settings,
    log::Log,
    room::Room,
    rooms::{Cell, blocking, remove},
};
use std::{
    collections::hash_map::Entry,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

impl Rooms {
    /// Closes the files of rooms where nothing happens, and takes rooms out of memory that nobody
    /// is in. To be called every few seconds.
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
                log.rest()?;
                let mut live = room.live();
                live.oldest = log.oldest();
                live.resting = true;
                Ok(())
            });
            let synced = synced.await.and_then(|synced| synced);
            if synced.is_ok() {
                self.evict(session);
            }
            swept = synced.and(swept);
        }
        swept
    }

    /// Removes rooms from the disk to which nothing was written for too long; of lasting ones
    /// their events. To be called now and then.
    ///
    /// # Errors
    /// The last failure, after everything was tried.
    pub async fn forget_old(&self) -> io::Result<()> {
        let rooms = self.clone();
        let on_disk = blocking(move || rooms.on_disk()).await??;
        let mut forgotten = Ok(());
        for (session, folder) in on_disk {
            forgotten = self.forget(session, folder).await.and(forgotten);
        }
        forgotten
    }

    /// Rooms in which nothing happened for a while and that nobody is in, or whose files are
    /// still open. Rooms that could not be opened are dropped.
    fn idle_rooms(&self) -> Vec<(Uuid, Arc<Room>)> {
        let mut cells = self.cells();
        let unopened = |cell: &Cell| cell.get().is_none() && Arc::strong_count(cell) == 1;
        cells.by_session.retain(|_, cell| !unopened(cell));
        let rooms = cells.by_session.iter();
        let rooms = rooms.filter_map(|(session, cell)| Some((*session, cell.get()?.clone())));
        let idle = |room: &Room| {
            let live = room.live();
            let empty = live.presence().connections == 0;
            (empty || !live.resting) && live.used.elapsed() >= self.inner.settings.idle
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

    /// Forgets a room that is too old, unless somebody has it in memory.
    async fn forget(&self, session: Uuid, folder: PathBuf) -> io::Result<()> {
        let (settings, looked_at) = (self.inner.settings.clone(), folder.clone());
        // Most are not, which is seen without keeping anybody out.
        let old = blocking(move || is_old(&looked_at, &settings)).await??;
        if !old {
            return Ok(());
        }
        let settings = self.inner.settings.clone();
        let forgetting = self.while_closed(session, move || forget(folder, &settings));
        forgetting.await
    }

    /// Does `work`, which blocks, while nobody can open the room; nothing where it is in memory.
    /// Whoever wants the room waits until it is done, and nobody else does.
    async fn while_closed(
        &self,
        session: Uuid,
        work: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let cell = {
            let mut cells = self.cells();
            if cells.stopping {
                return Ok(());
            }
            match cells.by_session.entry(session) {
                Entry::Occupied(_) => return Ok(()),
                Entry::Vacant(place) => place.insert(Cell::default()).clone(),
            }
        };
        let rooms = self.clone();
        // Not cancelled with whoever asked: the room would be opened beside what is being done.
        let working = tokio::spawn(async move {
            let work = move || async move { Err(blocking(work).await.and_then(|done| done)) };
            let done = match cell.get_or_try_init(work).await {
                // Somebody came first.
                Ok(_room) => Ok(()),
                Err(done) => done,
            };
            rooms.give_back(session, &cell);
            done
        });
        working.await.map_err(io::Error::from)?
    }

    /// Takes the place of a room that was not opened out of memory, unless somebody waits for it.
    fn give_back(&self, session: Uuid, cell: &Cell) {
        let mut cells = self.cells();
        let unused = cells.by_session.get(&session).is_some_and(|kept| {
            // One is in the map, one is ours.
            Arc::ptr_eq(kept, cell) && kept.get().is_none() && Arc::strong_count(kept) == 2
        });
        if unused {
            cells.by_session.remove(&session);
        }
    }
}

/// Drops what a room's folder holds, if it is too old. Nobody has the room in memory. Blocks.
fn forget(folder: PathBuf, settings: &Settings) -> io::Result<()> {
    // It may have been written to since it was looked at.
    if !is_old(&folder, settings)? {
        return Ok(());
    }
    match Log::is_lasting(&folder)? {
        true => Log::forget(folder),
        false => remove(&folder),
    }
}

/// Whether a room's folder holds something to forget, and no file of it was written to for too
/// long. One that is just being removed does not. Blocks.
fn is_old(folder: &Path, settings: &Settings) -> io::Result<bool> {
    match look_at(folder, settings) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        looked => looked,
    }
}

fn look_at(folder: &Path, settings: &Settings) -> io::Result<bool> {
    let is_old = |metadata: &Metadata| -> io::Result<bool> {
        let changed = metadata.modified()?;
        Ok(changed.elapsed().unwrap_or_default() > settings.age)
    };
    if !is_old(&fs::symlink_metadata(folder)?)? {
        return Ok(false);
    }
    for entry in fs::read_dir(folder)? {
        if !is_old(&entry?.metadata()?)? {
            return Ok(false);
        }
    }
    Ok(!Log::is_forgotten(folder)?)
}
