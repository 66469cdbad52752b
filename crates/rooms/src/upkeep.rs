//! Keeping rooms small: files are closed, memory is given back, what is old is removed.

use crate::{
    Rooms, Settings,
    room::Room,
    rooms::{Cell, blocking, remove},
};
use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
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

    /// Removes rooms from the disk to which nothing was written for too long. To be called now
    /// and then.
    ///
    /// # Errors
    /// A room could not be looked at or removed.
    pub async fn forget_old(&self) -> io::Result<()> {
        let rooms = self.clone();
        blocking(move || rooms.remove_old()).await?
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

fn age(changed: SystemTime) -> Duration {
    changed.elapsed().unwrap_or_default()
}
