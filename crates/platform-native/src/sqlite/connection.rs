//! One caller's connection.

use super::{
    Database,
    open::Handle,
    result::{Outcome, sql_error},
    statement::{Lane, Step},
};
use ports::{SqlError, Value};
use tokio::sync::OwnedMutexGuard;

/// A connection of one caller. Settings, temporary tables and an open transaction are its own;
/// dropping it rolls back what was not committed.
pub struct Connection {
    database: Database,
    /// Missing while a statement runs on another thread, and for good if that was abandoned.
    held: Option<Held>,
}

/// The order matters: the handle is closed (and rolled back) before the lock is let go.
pub(super) struct Held {
    handle: Handle,
    write_lock: Option<OwnedMutexGuard<()>>,
}

impl Held {
    pub(super) fn new(handle: Handle) -> Self {
        Self {
            handle,
            write_lock: None,
        }
    }

    fn run(&self, statement: &str, parameters: &[Value], lane: Lane) -> Step {
        self.handle
            .run(statement, parameters, lane, self.write_lock.is_some())
    }

    /// On a thread of its own; it may sleep there while another process holds the file.
    fn run_blocking(&self, statement: &str, parameters: &[Value]) -> Step {
        if let Err(error) = self.handle.wait_for_others(true) {
            return Step::Done(Err(error));
        }
        let step = self.run(statement, parameters, Lane::Blocking);
        match self.handle.wait_for_others(false) {
            Ok(()) => step,
            Err(error) => Step::Done(Err(error)),
        }
    }
}

impl Connection {
    pub(super) fn new(database: Database, held: Held) -> Self {
        Self {
            database,
            held: Some(held),
        }
    }

    /// Runs the first statement of `statement` with `parameters`.
    ///
    /// Short statements run on the caller's thread; a longer one moves to a thread of its own
    /// and is stopped after ten seconds. A statement that writes waits for its turn first, and a
    /// connection inside an explicit transaction that has written keeps the turn.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<Value>,
    ) -> Result<Outcome, SqlError> {
        let mut step = self.held()?.run(statement, &parameters, Lane::Inline);
        if matches!(step, Step::NeedsLock) {
            let lock = self.database.write_lock().await?;
            let held = self.held.as_mut().ok_or_else(abandoned)?;
            held.write_lock = Some(lock);
            step = held.run(statement, &parameters, Lane::Inline);
        }
        if matches!(step, Step::NeedsThread) {
            step = self.run_elsewhere(statement, parameters).await?;
        }
        self.let_lock_go();
        match step {
            Step::Done(result) => result,
            Step::NeedsLock | Step::NeedsThread => Err(SqlError::Busy),
        }
    }

    /// The row id of the newest insert on this connection, or 0.
    #[must_use]
    pub fn last_insert_rowid(&self) -> i64 {
        self.held
            .as_ref()
            .map_or(0, |held| held.handle.sqlite.last_insert_rowid())
    }

    /// How many rows the newest change on this connection touched.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.held
            .as_ref()
            .map_or(0, |held| held.handle.sqlite.changes())
    }

    pub(super) async fn transaction<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let lock = self.database.write_lock().await?;
        let held = self.held.as_mut().ok_or_else(abandoned)?;
        held.write_lock = Some(lock);
        let result = held.handle.unhurried(|sqlite| {
            batch(sqlite, "BEGIN IMMEDIATE")?;
            let done = work(sqlite)?;
            batch(sqlite, "COMMIT")?;
            Ok(done)
        });
        if !held.handle.sqlite.is_autocommit() {
            held.handle.unhurried(|sqlite| batch(sqlite, "ROLLBACK"))?;
        }
        self.let_lock_go();
        result
    }

    fn held(&self) -> Result<&Held, SqlError> {
        self.held.as_ref().ok_or_else(abandoned)
    }

    /// The connection goes along, so that a caller who stops waiting leaves nothing half used
    /// behind: it is closed when the statement is through.
    async fn run_elsewhere(
        &mut self,
        statement: &str,
        parameters: Vec<Value>,
    ) -> Result<Step, SqlError> {
        let held = self.held.take().ok_or_else(abandoned)?;
        let statement = statement.to_owned();
        let (held, step) = tokio::task::spawn_blocking(move || {
            let step = held.run_blocking(&statement, &parameters);
            (held, step)
        })
        .await
        .map_err(|error| SqlError::Failed(error.to_string()))?;
        self.held = Some(held);
        Ok(step)
    }

    fn let_lock_go(&mut self) {
        let Some(held) = self.held.as_mut() else {
            return;
        };
        if held.write_lock.is_some() && held.handle.sqlite.is_autocommit() {
            held.write_lock = None;
            self.database.checkpoint_when_due();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else {
            return;
        };
        let clean = held.handle.sqlite.is_autocommit()
            || held
                .handle
                .unhurried(|sqlite| batch(sqlite, "ROLLBACK"))
                .is_ok();
        if clean && !held.handle.is_changed() {
            self.database.give_back(held.handle);
        }
    }
}

fn batch(sqlite: &rusqlite::Connection, text: &str) -> Result<(), SqlError> {
    sqlite
        .execute_batch(text)
        .map_err(|error| sql_error(&error))
}

fn abandoned() -> SqlError {
    SqlError::Failed("a statement of this connection was abandoned".to_owned())
}
