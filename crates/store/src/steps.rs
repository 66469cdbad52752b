//! Steps of runs.
//!
//! Invariant: a step is stored by whoever holds its run's lease, or not at all; what readers see of
//! it (a message, the run's end) is stored with it, by the database's triggers.

use crate::{
    failure::failure,
    rows::{count_of, first},
    runs::{Lease, RunId},
};
use domain::{Error, ErrorKind};
use ports::{Row, Sql, SqlError};

/// A table `line` of a run and those before it in its branch.
macro_rules! branch {
    ($run:literal) => {
        concat!(
            "WITH RECURSIVE line (id, parent_id) AS ( \
                 SELECT id, parent_id FROM runs WHERE id = ",
            $run,
            " UNION ALL SELECT runs.id, runs.parent_id \
                 FROM line JOIN runs ON runs.id = line.parent_id) "
        )
    };
}

/// A step as the database keeps it; its body is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStep {
    /// Its place among all steps of the session.
    pub number: i64,
    /// When it was stored, in milliseconds since 1970.
    pub at: i64,
    /// Whose it is.
    pub agent: Option<String>,
    /// The call whose work it belongs to.
    pub thread: Option<String>,
    /// The body's `type`.
    pub kind: String,
    /// What happened, as JSON.
    pub body: String,
}

/// A session's steps: those of earlier runs, and those of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Of earlier runs. What stands before the last summary of the turn itself is left out, and so
    /// is what says only how they went: that they, or an answer, began and ended.
    pub earlier: Vec<StoredStep>,
    /// Of the run.
    pub run: Vec<StoredStep>,
}

/// The steps of `run` and of those before it in its branch.
///
/// # Errors
/// What a failed statement means.
pub async fn up_to(sql: &dyn Sql, run: RunId) -> Result<Steps, Error> {
    const SELECT: &str = concat!(
        branch!("?1"),
        "SELECT number, at, agent, thread, kind, body, run_id = ?1 \
         FROM line JOIN steps ON steps.run_id = line.id \
         WHERE run_id = ?1 OR ( \
             kind NOT IN ('started', 'ended', 'paused', 'resumed') AND number > COALESCE(( \
             SELECT json_extract(body, '$.through') FROM line JOIN steps ON steps.run_id = line.id \
             WHERE run_id <> ?1 AND kind = 'compaction' AND thread IS NULL AND json_valid(body) \
             ORDER BY number DESC LIMIT 1), 0)) \
         ORDER BY number"
    );
    let rows = sql.execute(SELECT, vec![run.0.into()]);
    let mut steps = Steps::default();
    for row in rows.await.map_err(failure)? {
        let is_own = row.get::<i64>(6).map_err(failure)? != 0;
        let step = read(&row).map_err(failure)?;
        match is_own {
            true => steps.run.push(step),
            false => steps.earlier.push(step),
        }
    }
    Ok(steps)
}

/// Stores a step. `output` is the whole output of a call whose result shows parts of it.
///
/// # Errors
/// A conflict when the number is taken or the lease is lost: somebody else drives the run, or it is
/// gone. Else what a failed statement means.
pub async fn insert(
    sql: &dyn Sql,
    lease: &Lease,
    step: &StoredStep,
    output: Option<&str>,
) -> Result<(), Error> {
    const INSERT: &str = "\
        INSERT INTO steps (session_id, run_id, number, at, agent, thread, kind, body, output) \
        SELECT session_id, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM runs WHERE id = ?1 AND lease = ?2 \
        ON CONFLICT (session_id, number) DO NOTHING RETURNING id";
    let parameters = vec![
        lease.run.0.into(),
        lease.token.as_str().into(),
        step.number.into(),
        step.at.into(),
        step.agent.clone().into(),
        step.thread.clone().into(),
        step.kind.as_str().into(),
        step.body.as_str().into(),
        output.into(),
    ];
    done(count_of(sql, INSERT, parameters).await?)
}

/// Replaces the body of a step.
///
/// # Errors
/// As [`insert`].
pub async fn replace(sql: &dyn Sql, lease: &Lease, number: i64, body: &str) -> Result<(), Error> {
    const UPDATE: &str = "\
        UPDATE steps SET body = ?4 WHERE run_id = ?1 AND number = ?3 \
            AND EXISTS (SELECT 1 FROM runs WHERE id = ?1 AND lease = ?2) RETURNING id";
    let parameters = vec![
        lease.run.0.into(),
        lease.token.as_str().into(),
        number.into(),
        body.into(),
    ];
    done(count_of(sql, UPDATE, parameters).await?)
}

fn done(rows: usize) -> Result<(), Error> {
    match rows {
        0 => Err(Error::new(
            ErrorKind::Conflict,
            "The run is somebody else's, or gone",
        )),
        _ => Ok(()),
    }
}

/// The whole output of a call in `run` or in one before it in its branch, if it was kept.
///
/// # Errors
/// What a failed statement means.
pub async fn output(sql: &dyn Sql, run: RunId, call_id: &str) -> Result<Option<String>, Error> {
    const SELECT: &str = concat!(
        branch!("?1"),
        "SELECT output FROM line JOIN steps ON steps.run_id = line.id \
         WHERE output IS NOT NULL AND json_valid(body) AND json_extract(body, '$.call_id') = ?2 \
         ORDER BY number DESC LIMIT 1"
    );
    let parameters = vec![run.0.into(), call_id.into()];
    first(sql, SELECT, parameters, |row| row.get(0)).await
}

fn read(row: &Row) -> Result<StoredStep, SqlError> {
    Ok(StoredStep {
        number: row.get(0)?,
        at: row.get(1)?,
        agent: row.get(2)?,
        thread: row.get(3)?,
        kind: row.get(4)?,
        body: row.get(5)?,
    })
}
