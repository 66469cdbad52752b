//! How every connection is opened, and what a statement may ask of it.

use super::{BUSY_TIMEOUT, result::sql_error, statement::Budget};
use ports::SqlError;
use rusqlite::{
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

/// The log is moved into the database from this many pages (4 KiB each) on.
pub(super) const WAL_PAGES_BEFORE_CHECKPOINT: i64 = 1_000;

/// The log is emptied, writers waiting, from this many pages on.
pub(super) const WAL_PAGES_BEFORE_RESTART: i64 = 16_000;

/// How often the first connection is tried, and how long it pauses in between.
const OPEN_TRIES: u32 = 100;
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// Bytes of one statement's text.
const SQL_LENGTH: i32 = 1024 * 1024;

/// Bytes of one value or row.
const VALUE_LENGTH: i32 = 64 * 1024 * 1024;

/// Statements that a connection keeps prepared.
const PREPARED_STATEMENTS: usize = 128;

/// The budget is asked after about this many steps of SQLite's machine.
const STEPS_PER_CHECK: i32 = 1_000;

/// A connection with what its callbacks share with us.
pub(super) struct Handle {
    pub(super) sqlite: rusqlite::Connection,
    pub(super) budget: Arc<Budget>,
    /// Whether a statement changed the connection itself, so that no other caller may get it.
    changed: Arc<AtomicBool>,
}

impl Handle {
    pub(super) fn open(path: &Path, wal_pages: &Arc<AtomicI64>) -> Result<Self, SqlError> {
        let mut sqlite = rusqlite::Connection::open(path).map_err(|error| sql_error(&error))?;
        let budget = Arc::new(Budget::default());
        let changed = Arc::new(AtomicBool::new(false));
        set_up(&mut sqlite, &budget, &changed, wal_pages).map_err(|error| sql_error(&error))?;
        changed.store(false, Ordering::Relaxed);
        Ok(Self {
            sqlite,
            budget,
            changed,
        })
    }

    /// The first connection to a database: it sets WAL, which stays in the file. Where several
    /// open a new file at once, SQLite refuses some of them without waiting; they try again.
    pub(super) fn open_first(path: &Path, wal_pages: &Arc<AtomicI64>) -> Result<Self, SqlError> {
        let mut tries = 0;
        loop {
            let opened = Self::open(path, wal_pages).and_then(Self::with_journal);
            tries += 1;
            if opened.as_ref().err() != Some(&SqlError::Busy) || tries == OPEN_TRIES {
                return opened;
            }
            #[allow(
                clippy::disallowed_methods,
                reason = "a database is opened once, at start"
            )]
            std::thread::sleep(OPEN_PAUSE);
        }
    }

    /// Another process may hold the database at this moment, so this waits.
    fn with_journal(self) -> Result<Self, SqlError> {
        self.wait_for_others(true)?;
        self.sqlite
            .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
            .map_err(|error| sql_error(&error))?;
        self.wait_for_others(false)?;
        Ok(self)
    }

    pub(super) fn checkpoint(&self, restart: bool) -> Result<(), SqlError> {
        let statement = if restart {
            "PRAGMA wal_checkpoint(RESTART)"
        } else {
            "PRAGMA wal_checkpoint(PASSIVE)"
        };
        self.sqlite
            .query_row(statement, [], |_| Ok(()))
            .map_err(|error| sql_error(&error))
    }

    /// Whether SQLite sleeps until another process lets go of its lock. Only ever on a thread
    /// that may block.
    pub(super) fn wait_for_others(&self, wait: bool) -> Result<(), SqlError> {
        let time = if wait { BUSY_TIMEOUT } else { Duration::ZERO };
        self.sqlite
            .busy_timeout(time)
            .map_err(|error| sql_error(&error))
    }

    pub(super) fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }
}

fn set_up(
    sqlite: &mut rusqlite::Connection,
    budget: &Arc<Budget>,
    changed: &Arc<AtomicBool>,
    wal_pages: &Arc<AtomicI64>,
) -> rusqlite::Result<()> {
    sqlite.busy_timeout(Duration::ZERO)?;
    sqlite.execute_batch(
        "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0",
    )?;
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    sqlite.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    sqlite.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_LENGTH)?;
    sqlite.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_LENGTH)?;
    sqlite.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    let budget = Arc::clone(budget);
    sqlite.progress_handler(STEPS_PER_CHECK, Some(move || budget.spend()))?;
    let changed = Arc::clone(changed);
    sqlite.authorizer(Some(move |context: AuthContext<'_>| {
        authorize(&context.action, &changed)
    }))?;
    let wal_pages = Arc::clone(wal_pages);
    sqlite.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        wal_pages.store(i64::from(pages), Ordering::Relaxed);
        Ok(())
    }))
}

/// Asked for each thing that a statement does, when it is prepared. Host files stay out of
/// reach, and a connection that a statement changes is marked.
fn authorize(action: &AuthAction<'_>, changed: &AtomicBool) -> Authorization {
    match action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => authorize_pragma(pragma_name, *pragma_value, changed),
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => {
            changed.store(true, Ordering::Relaxed);
            Authorization::Allow
        }
        _ => Authorization::Allow,
    }
}

fn authorize_pragma(name: &str, value: Option<&str>, changed: &AtomicBool) -> Authorization {
    let name = name.to_ascii_lowercase();
    let value = value.map(str::to_ascii_lowercase);
    match (name.as_str(), value.as_deref()) {
        ("temp_store_directory" | "data_store_directory", _) => return Authorization::Deny,
        // What every connection has anyway, and what only reads.
        (_, None)
        | ("synchronous", Some("normal" | "1"))
        | ("foreign_keys", Some("on" | "1" | "true" | "yes"))
        | ("journal_mode", Some("wal"))
        | (
            "table_info" | "table_xinfo" | "index_list" | "index_info" | "integrity_check"
            | "quick_check" | "foreign_key_check" | "foreign_key_list" | "wal_checkpoint",
            Some(_),
        ) => {}
        _ => changed.store(true, Ordering::Relaxed),
    }
    Authorization::Allow
}
