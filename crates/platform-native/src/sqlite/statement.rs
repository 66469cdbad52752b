//! Running one statement on one connection.

use super::{
    open::Handle,
    result::{Outcome, collect, sql_error},
};
use ports::{SqlError, Value};
use rusqlite::{
    Batch, ErrorCode, Statement,
    fallible_iterator::FallibleIterator,
    types::{ToSqlOutput, ValueRef},
};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Checks (see `STEPS_PER_CHECK`) that a statement may use on the caller's thread: about two
/// milliseconds. Counted, not timed, so that the clock is never asked for a point statement.
const INLINE_CHECKS: u32 = 100;

/// How long a statement may run at all.
const LONGEST: Duration = Duration::from_secs(10);

/// How much longer the running statement may go on.
#[derive(Default)]
pub(super) struct Budget {
    checks: AtomicU32,
    deadline: Mutex<Option<Instant>>,
}

impl Budget {
    fn begin(&self, lane: Lane) {
        let (checks, deadline) = match lane {
            Lane::Inline => (INLINE_CHECKS, None),
            Lane::Blocking => (0, Some(Instant::now() + LONGEST)),
        };
        self.checks.store(checks, Ordering::Relaxed);
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Called by SQLite while a statement runs; `true` stops it.
    pub(super) fn spend(&self) -> bool {
        let left = self.checks.load(Ordering::Relaxed);
        if left > 0 {
            self.checks.store(left - 1, Ordering::Relaxed);
            return false;
        }
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.is_none_or(|deadline| Instant::now() >= deadline)
    }
}

/// Where a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// On the caller's thread: never waits and never takes long.
    Inline,
    /// On a thread that may block.
    Blocking,
}

/// How far a statement came.
pub(super) enum Step {
    /// It is through.
    Done(Result<Outcome, SqlError>),
    /// It writes, and the connection does not hold the write lock. Nothing has been done.
    NeedsLock,
    /// It would take long or has to wait for another process. Nothing has been done.
    NeedsThread,
}

impl Handle {
    /// Runs the first statement of `text`.
    pub(super) fn run(
        &self,
        text: &str,
        parameters: &[Value],
        lane: Lane,
        may_write: bool,
    ) -> Step {
        self.budget.begin(lane);
        match self.sqlite.prepare_cached(text) {
            Ok(mut statement) => self.step(&mut statement, parameters, lane, may_write),
            // More than one statement (or an error in a later one): the first counts alone.
            Err(error) => match Batch::new(&self.sqlite, text).next() {
                Ok(Some(mut statement)) => self.step(&mut statement, parameters, lane, may_write),
                _ => self.failed(&error, lane),
            },
        }
    }

    fn step(
        &self,
        statement: &mut Statement<'_>,
        parameters: &[Value],
        lane: Lane,
        may_write: bool,
    ) -> Step {
        if !statement.readonly() {
            if !may_write {
                return Step::NeedsLock;
            }
            // Stopping a write inside a transaction would roll all of it back.
            if lane == Lane::Inline && !self.sqlite.is_autocommit() {
                return Step::NeedsThread;
            }
        }
        match query(statement, parameters) {
            Ok(outcome) => Step::Done(Ok(outcome)),
            Err(error) => self.failed(&error, lane),
        }
    }

    fn failed(&self, error: &rusqlite::Error, lane: Lane) -> Step {
        let waits = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::OperationInterrupted)
        );
        if waits && lane == Lane::Inline {
            return Step::NeedsThread;
        }
        Step::Done(Err(sql_error(error)))
    }

    /// Runs `work` with the time of a [`Lane::Blocking`] statement.
    pub(super) fn unhurried<T>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.budget.begin(Lane::Blocking);
        work(&self.sqlite)
    }
}

fn query(statement: &mut Statement<'_>, parameters: &[Value]) -> rusqlite::Result<Outcome> {
    let wanted = statement.parameter_count();
    if wanted != parameters.len() {
        return Err(rusqlite::Error::InvalidParameterCount(
            parameters.len(),
            wanted,
        ));
    }
    for (index, value) in (1_usize..).zip(parameters) {
        statement.raw_bind_parameter(index, ToSqlOutput::Borrowed(borrowed(value)))?;
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let outcome = collect(statement.raw_query(), columns.len())?;
    Ok(Outcome { columns, ..outcome })
}

fn borrowed(value: &Value) -> ValueRef<'_> {
    match value {
        Value::Null => ValueRef::Null,
        Value::Integer(integer) => ValueRef::Integer(*integer),
        Value::Real(real) => ValueRef::Real(*real),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Blob(blob) => ValueRef::Blob(blob),
    }
}
