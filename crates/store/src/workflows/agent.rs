//! What runs of agents ask of workflows: which one their session is about, what they hold, and
//! who is to be told.

use super::Scope;
use crate::rows::{all, first, uuid};
use domain::{Error, SessionId, UserId, WorkflowId};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// The most rooms that are told of a lock.
const ROOMS_MOST: i64 = 100;

/// The workflow that a session is about, and the scope of the session's user. `None` when it is
/// about none, or about one that its user may not see (any more).
///
/// # Errors
/// What a failed statement means.
pub async fn of_session(
    sql: &dyn Sql,
    session: SessionId,
) -> Result<Option<(WorkflowId, Scope)>, Error> {
    const SELECT: &str = "SELECT workflows.id, users.id, users.role = 'ADMIN' \
         FROM sessions JOIN workflows ON workflows.id = sessions.workflow_id \
             JOIN users ON users.id = sessions.user_id \
         WHERE sessions.id = ?1 \
             AND (users.role = 'ADMIN' OR workflows.user_id = users.id)";
    let read = |row: &Row| -> Result<(WorkflowId, Scope), SqlError> {
        let asker = UserId(row.get(1)?);
        let owner = (!crate::rows::flag(row, 2)?).then_some(asker);
        Ok((WorkflowId(row.get(0)?), Scope { owner, asker }))
    };
    first(sql, SELECT, vec![session.0.into()], read).await
}

/// The workflow that a run has locked.
///
/// # Errors
/// What a failed statement means.
pub async fn locked_by(sql: &dyn Sql, run: Uuid) -> Result<Option<WorkflowId>, Error> {
    const SELECT: &str = "SELECT id FROM workflows WHERE lock_run = ?1";
    let read = |row: &Row| -> Result<WorkflowId, SqlError> { Ok(WorkflowId(row.get(0)?)) };
    first(sql, SELECT, vec![run.to_string().into()], read).await
}

/// The rooms of all who may see a workflow: its owner and the administrators, and `besides`, who
/// may not see it any more.
///
/// # Errors
/// What a failed statement means.
pub async fn rooms(
    sql: &dyn Sql,
    workflow: WorkflowId,
    besides: UserId,
) -> Result<Vec<Uuid>, Error> {
    const SELECT: &str = "SELECT uuid FROM users \
         WHERE realm = 'account' AND (id = ?2 OR role = 'ADMIN' \
             OR id = (SELECT user_id FROM workflows WHERE id = ?1)) \
         ORDER BY id LIMIT ?3";
    let parameters = vec![workflow.0.into(), besides.0.into(), ROOMS_MOST.into()];
    all(sql, SELECT, parameters, |row| uuid(row, 0)).await
}
