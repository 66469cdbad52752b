//! Locks: leases on workflows, which the runs of agents hold. One that has run out is free.

use crate::rows::{count_of, first};
use domain::{Error, UserId, WorkflowId};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// What became of the wish for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The run holds it, as the holder of this generation.
    Done(i64),
    /// Another run holds it, for this reason.
    Held(String),
    /// The run has ended, or is gone: nobody would end the lock with it.
    Ended,
    /// The user has no such workflow.
    Gone,
}

/// Locks a workflow of `owner` (anybody's where there is none) for `run` until `until`. A run that
/// holds it already goes on doing so, in the same generation; one that has ended locks nothing.
///
/// # Errors
/// What a failed statement means.
pub async fn lock(
    sql: &dyn Sql,
    owner: Option<UserId>,
    id: WorkflowId,
    (run, reason): (Uuid, &str),
    now: i64,
    until: i64,
) -> Result<Locked, Error> {
    const UPDATE: &str = "UPDATE workflows SET \
             lock_generation = lock_generation + \
                 (lock_run IS NOT ?3 OR COALESCE(lock_until, 0) <= ?5), \
             lock_run = ?3, lock_reason = ?4, lock_until = ?6 \
         WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2) \
             AND (lock_run IS ?3 OR COALESCE(lock_until, 0) <= ?5) \
             AND EXISTS (SELECT 1 FROM runs \
                 WHERE runs.uuid = ?3 AND runs.status IN ('queued', 'running')) \
         RETURNING lock_generation";
    let which: Vec<Value> = vec![
        id.0.into(),
        owner.map(|user| user.0).into(),
        run.to_string().into(),
    ];
    let mut parameters = which.clone();
    parameters.extend([reason.into(), now.into(), until.into()]);
    let generation = |row: &Row| -> Result<i64, SqlError> { row.get(0) };
    if let Some(generation) = first(sql, UPDATE, parameters, generation).await? {
        return Ok(Locked::Done(generation));
    }
    why_not(sql, which).await
}

async fn why_not(sql: &dyn Sql, which: Vec<Value>) -> Result<Locked, Error> {
    const SELECT: &str = "SELECT COALESCE(lock_reason, ''), \
             EXISTS (SELECT 1 FROM runs \
                 WHERE runs.uuid = ?3 AND runs.status IN ('queued', 'running')) \
         FROM workflows WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)";
    let read = |row: &Row| -> Result<(String, bool), SqlError> {
        Ok((row.get(0)?, crate::rows::flag(row, 1)?))
    };
    Ok(match first(sql, SELECT, which, read).await? {
        None => Locked::Gone,
        Some((_, false)) => Locked::Ended,
        Some((reason, true)) => Locked::Held(reason),
    })
}

/// Ends the lock that `run` holds. `false` when another holds it by now, or nobody does.
///
/// # Errors
/// What a failed statement means.
pub async fn unlock(sql: &dyn Sql, id: WorkflowId, run: Uuid) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE workflows SET lock_run = NULL, lock_reason = NULL, \
         lock_until = NULL WHERE id = ?1 AND lock_run = ?2 RETURNING id";
    let parameters = vec![id.0.into(), run.to_string().into()];
    Ok(count_of(sql, UPDATE, parameters).await? > 0)
}
