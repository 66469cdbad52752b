//! Which workflows sessions of the studio contract are about.

use super::{Scope, has_room, read, session_columns, unless_full};
use crate::{
    Listed, Window,
    listed::listed,
    rows::{all, first},
    workflows,
};
use domain::{Error, Session, SessionId, SessionKind, SessionTitle, WorkflowId};
use ports::{Row, Sql, SqlError};
use uuid::Uuid;

/// Stores a new session of `scope.asker`, who has fewer than `most`, about a workflow in `scope`.
/// `None` when there is no such workflow, or the account is gone.
///
/// # Errors
/// A conflict when they have as many, else what a failed statement means.
pub async fn insert_about(
    sql: &dyn Sql,
    uuid: Uuid,
    scope: workflows::Scope,
    workflow: WorkflowId,
    title: Option<&SessionTitle>,
    now: i64,
    most: i64,
) -> Result<Option<Session>, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO sessions (uuid, kind, user_id, title, created_at, workflow_id) \
         SELECT ?1, ?2, users.id, ?4, ?5, workflows.id FROM users JOIN workflows \
         WHERE users.realm = 'account' AND users.id = ?3 AND workflows.id = ?6 \
             AND (?7 IS NULL OR workflows.user_id = ?7) AND ",
        has_room!("?3", "?8"),
        " RETURNING ",
        session_columns!()
    );
    let parameters = vec![
        uuid.to_string().into(),
        SessionKind::Studio.as_str().into(),
        scope.asker.0.into(),
        title.map(SessionTitle::as_str).into(),
        now.into(),
        workflow.0.into(),
        scope.owner.map(|user| user.0).into(),
        most.into(),
    ];
    let made = first(sql, INSERT, parameters, read).await?;
    unless_full(sql, scope.asker, most, made).await
}

/// The sessions in `scope` that are about a workflow, newest first.
///
/// # Errors
/// What a failed statement means.
pub async fn list_about(
    sql: &dyn Sql,
    scope: Scope<'_>,
    workflow: WorkflowId,
    window: Window,
) -> Result<Listed<Session>, Error> {
    let condition = scope.condition();
    let mut parameters = scope.parameters();
    parameters.push(workflow.0.into());
    let count =
        format!("SELECT COUNT(*) FROM sessions WHERE {condition} AND sessions.workflow_id = ?3");
    let select = format!(
        concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE {} AND sessions.workflow_id = ?3 \
             ORDER BY sessions.id DESC LIMIT ?4 OFFSET ?5"
        ),
        condition
    );
    listed(sql, (&count, &select), parameters, window, read).await
}

/// The workflows that each of `sessions` is about, in their order.
///
/// # Errors
/// What a failed statement means.
pub async fn workflows_of(
    sql: &dyn Sql,
    sessions: &[Session],
) -> Result<Vec<Option<WorkflowId>>, Error> {
    const SELECT: &str = "SELECT id, workflow_id FROM sessions \
         WHERE workflow_id IS NOT NULL AND id IN (SELECT value FROM json_each(?1))";
    let ids: Vec<_> = sessions
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    let ids = format!("[{}]", ids.join(","));
    let read = |row: &Row| -> Result<(SessionId, WorkflowId), SqlError> {
        Ok((SessionId(row.get(0)?), WorkflowId(row.get(1)?)))
    };
    let found = all(sql, SELECT, vec![ids.into()], read).await?;
    let of = |session: &Session| {
        let about = found.iter().find(|(id, _)| *id == session.id);
        about.map(|(_, workflow)| *workflow)
    };
    Ok(sessions.iter().map(of).collect())
}
