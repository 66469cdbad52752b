//! One SQLite file, shared by whoever runs statements against it.
//!
//! Invariants: at most one connection of a [`Database`] writes at a time (the others wait in a
//! fair queue, never in SQLite's busy sleep), and a connection that a caller changed for itself
//! (temporary tables, unusual settings) is never handed to another.

mod connection;
mod open;
mod result;
mod statement;

pub use connection::Connection;
pub use result::Outcome;

use connection::Held;
use open::{Handle, WAL_PAGES_BEFORE_RESTART};
use ports::SqlError;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

/// How many unused connections stay open.
const IDLE_CONNECTIONS: usize = 32;

/// How long a writer waits for its turn, or for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A SQLite file with its pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Handle>>,
    /// Held by the connection that writes.
    writer: Arc<tokio::sync::Mutex<()>>,
    /// Pages in the write-ahead log after the newest commit.
    wal_pages: Arc<AtomicI64>,
    /// Pages that were in it when it was last moved into the database. While somebody always
    /// reads, the log is moved but not emptied, and goes on from there.
    moved_pages: AtomicI64,
    checkpointing: AtomicBool,
    /// The connection that moves them; there is none until there is something to move.
    checkpoints: Mutex<Option<Handle>>,
    /// Keeps the folder of a temporary database.
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    /// Opens the file at `path`, made if it is missing, and sets its journal to WAL.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub fn open(path: &Path) -> Result<Self, SqlError> {
        Self::new(path.to_owned(), None)
    }

    /// A new, empty database in a temporary folder that goes when the last clone is dropped.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn temporary() -> Result<Self, SqlError> {
        let folder = tempfile::tempdir().map_err(|error| SqlError::Failed(error.to_string()))?;
        Self::new(folder.path().join("sqlite.db"), Some(folder))
    }

    fn new(path: PathBuf, folder: Option<tempfile::TempDir>) -> Result<Self, SqlError> {
        let wal_pages = Arc::default();
        let first = Handle::open_first(&path, &wal_pages)?;
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                idle: Mutex::new(vec![first]),
                writer: Arc::default(),
                wal_pages,
                moved_pages: AtomicI64::new(0),
                checkpointing: AtomicBool::new(false),
                checkpoints: Mutex::new(None),
                _folder: folder,
            }),
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// A connection of the caller's own, from the pool if one is idle there.
    ///
    /// # Errors
    /// When a new one cannot be opened.
    pub fn connect(&self) -> Result<Connection, SqlError> {
        let handle = match self.idle().pop() {
            Some(handle) => handle,
            None => Handle::open(&self.shared.path, &self.shared.wal_pages)?,
        };
        Ok(Connection::new(self.clone(), Held::new(handle)))
    }

    /// Runs `work` in one transaction that no other writer of this database interrupts.
    ///
    /// # Errors
    /// Those of the database or of `work`; nothing is changed then.
    pub(crate) async fn transaction<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.connect()?.transaction(work).await
    }

    async fn write_lock(&self) -> Result<tokio::sync::OwnedMutexGuard<()>, SqlError> {
        let writer = Arc::clone(&self.shared.writer);
        if let Ok(guard) = Arc::clone(&writer).try_lock_owned() {
            return Ok(guard);
        }
        tokio::time::timeout(BUSY_TIMEOUT, writer.lock_owned())
            .await
            .map_err(|_| SqlError::Busy)
    }

    /// Takes a connection back that is in no transaction and as it was when it was opened.
    fn give_back(&self, handle: Handle) {
        let mut idle = self.idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(handle);
        }
    }

    /// Moves the log's pages into the database on a thread of its own once there are many, so
    /// that no request waits for the disk.
    fn checkpoint_when_due(&self) {
        let pages = self.shared.wal_pages.load(Ordering::Relaxed);
        let mut moved = self.shared.moved_pages.load(Ordering::Relaxed);
        if pages < moved {
            // A log that is shorter than it was has begun anew.
            self.shared.moved_pages.store(0, Ordering::Relaxed);
            moved = 0;
        }
        if pages - moved < open::WAL_PAGES_BEFORE_CHECKPOINT
            || self.shared.checkpointing.swap(true, Ordering::Acquire)
        {
            return;
        }
        self.shared.moved_pages.store(pages, Ordering::Relaxed);
        let database = self.clone();
        tokio::spawn(async move {
            let done = database.checkpoint(pages >= WAL_PAGES_BEFORE_RESTART).await;
            if let Err(error) = done {
                tracing::warn!(%error, path = %database.path().display(), "checkpoint failed");
            }
            database
                .shared
                .checkpointing
                .store(false, Ordering::Release);
        });
    }

    /// Moves the log's pages. A log that never runs empty never shrinks: with `restart` the writers
    /// wait for once, while the few pages are moved that came in the meantime.
    async fn checkpoint(&self, restart: bool) -> Result<(), SqlError> {
        self.on_log(Handle::checkpoint).await?;
        if restart {
            let lock = self.write_lock().await?;
            self.on_log(move |handle| {
                let _writers_wait = lock;
                handle.restart_log()
            })
            .await?;
        }
        Ok(())
    }

    /// Runs `work` where it may block, on the connection that is kept for it; after a fault on a
    /// new one.
    async fn on_log(
        &self,
        work: impl FnOnce(&Handle) -> Result<(), SqlError> + Send + 'static,
    ) -> Result<(), SqlError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || -> Result<(), SqlError> {
            let mut kept = shared
                .checkpoints
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let handle = match kept.take() {
                Some(handle) => handle,
                None => Handle::open(&shared.path, &shared.wal_pages)?,
            };
            work(&handle)?;
            *kept = Some(handle);
            Ok(())
        });
        done.await
            .map_err(|error| SqlError::Failed(error.to_string()))?
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Handle>> {
        self.shared
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_begins_anew_as_often_as_it_must() {
        let database = Database::temporary().unwrap();
        let write = async |statement: &str| {
            let mut connection = database.connect().unwrap();
            connection.execute(statement, Vec::new()).await.unwrap();
        };
        write("CREATE TABLE t (v)").await;
        for _ in 0..3 {
            write("INSERT INTO t VALUES (zeroblob(100000))").await;
            assert!(database.shared.wal_pages.load(Ordering::Relaxed) > 20);
            database.checkpoint(false).await.unwrap();
            database.checkpoint(true).await.unwrap();
            assert_eq!(database.shared.wal_pages.load(Ordering::Relaxed), 1);
        }
    }
}
