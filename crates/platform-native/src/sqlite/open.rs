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

/// The log is moved into the database whenever it has this many new pages (4 KiB each).
pub(super) const WAL_PAGES_BEFORE_CHECKPOINT: i64 = 4_000;

/// The log begins anew, writers waiting, from this many pages on.
pub(super) const WAL_PAGES_BEFORE_RESTART: i64 = 16_000;

/// How long those who read in the log may keep it, and the writers with it, from beginning anew.
/// Most statements are through sooner; where one is not, the next checkpoint tries again.
const READERS_WAIT: Duration = Duration::from_millis(20);

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

    /// Moves the log into the database as far as readers let it. It waits for nobody, and nobody
    /// for it.
    pub(super) fn checkpoint(&self) -> Result<(), SqlError> {
        self.sqlite
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .map_err(|error| sql_error(&error))
    }

    /// Moves the rest of the log and begins it anew, unless somebody reads in it for longer. The
    /// caller holds the write lock.
    pub(super) fn restart_log(&self) -> Result<(), SqlError> {
        self.sqlite
            .busy_timeout(READERS_WAIT)
            .and_then(|()| restart(&self.sqlite))
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
    // Without it a statement whose plan may depend on what is bound (a LIMIT is enough) is prepared
    // anew each time that it comes out of the cache. There are no statistics that such a plan could
    // be better by.
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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

fn restart(sqlite: &rusqlite::Connection) -> rusqlite::Result<()> {
    let busy: bool =
        sqlite.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get("busy"))?;
    if busy {
        return Ok(());
    }
    // Whoever writes first into a new log waits until its head is on the disk. So that this is no
    // request, something is written here that changes nothing.
    sqlite.execute_batch("BEGIN IMMEDIATE")?;
    let version: i32 = sqlite.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    sqlite.execute_batch(&format!("PRAGMA user_version = {version}; COMMIT"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    const FILL: &str = "INSERT INTO t (v) VALUES (zeroblob(100000))";

    struct Opened {
        handle: Handle,
        keeper: Handle,
        pages: Arc<AtomicI64>,
        _folder: tempfile::TempDir,
    }

    /// A database with a log, and the connection that looks after the log.
    fn open() -> Opened {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let pages = Arc::default();
        let handle = Handle::open_first(&path, &pages).unwrap();
        let begin = "PRAGMA user_version = 7; CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
        handle.sqlite.execute_batch(begin).unwrap();
        handle.sqlite.execute_batch(FILL).unwrap();
        Opened {
            handle,
            keeper: Handle::open(&path, &pages).unwrap(),
            pages,
            _folder: folder,
        }
    }

    #[test]
    fn a_statement_from_the_cache_is_not_prepared_again() {
        let opened = open();
        let sqlite = &opened.handle.sqlite;
        let statement = "SELECT a.id FROM t AS a JOIN t AS b ON b.id = a.id \
                         WHERE a.v <> ?1 ORDER BY b.v LIMIT ?2";
        for limit in [1, 2, 20] {
            let mut cached = sqlite.prepare_cached(statement).unwrap();
            let id: i64 = cached.query_row((7, limit), |row| row.get(0)).unwrap();
            assert_eq!(id, 1);
        }
        let cached = sqlite.prepare_cached(statement).unwrap();
        assert_eq!(cached.get_status(StatementStatus::Run), 3);
        assert_eq!(cached.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn a_log_that_begins_anew_has_its_first_write() {
        let opened = open();
        let pages = || opened.pages.load(Ordering::Relaxed);
        for _ in 0..2 {
            opened.handle.sqlite.execute_batch(FILL).unwrap();
            assert!(pages() > 20, "{}", pages());
            opened.keeper.checkpoint().unwrap();
            opened.keeper.restart_log().unwrap();
            assert_eq!(pages(), 1);
        }
        let version = "PRAGMA user_version";
        let version: i64 = opened
            .handle
            .sqlite
            .query_row(version, [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, 7);
    }

    #[test]
    fn a_log_that_is_read_for_long_goes_on() {
        let opened = open();
        let reader = &opened.keeper.sqlite;
        let other = Handle::open(Path::new(reader.path().unwrap()), &opened.pages).unwrap();
        let count = "SELECT count(*) FROM t";
        reader.execute_batch("BEGIN").unwrap();
        let before: i64 = reader.query_row(count, [], |row| row.get(0)).unwrap();
        opened.handle.sqlite.execute_batch(FILL).unwrap();
        let pages = opened.pages.load(Ordering::Relaxed);
        other.checkpoint().unwrap();
        other.restart_log().unwrap();
        assert_eq!(opened.pages.load(Ordering::Relaxed), pages);
        let after: i64 = reader.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!((before, after), (1, 1));
    }
}
