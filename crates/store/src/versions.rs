//! Versions of workflows. They are made by [`crate::workflows::update`] and never change.
//!
//! Invariant: every statement says whose workflow it is about. Of a workflow the newest 200
//! versions are kept, and of these 64 MiB.

use crate::{
    Listed, Window,
    listed::listed,
    rows::{first, known, uuid},
    workflows::Scope,
};
use domain::{
    AuthorKind, Error, ServiceId, Timestamp, WorkflowFormat, WorkflowId, WorkflowVersion,
};
use ports::{Row, Sql, SqlError};

/// A `SELECT` of versions, of a workflow `?1` of a user `?2` or of anybody. A workflow is read
/// through its version: whoever may not see it finds none.
macro_rules! select {
    ($besides:literal, $rest:literal) => {
        concat!(
            "SELECT versions.number, versions.name, versions.description, versions.format, \
             versions.node_count, versions.size, versions.author_kind, versions.author, \
             versions.run_id, versions.note, versions.created_at",
            $besides,
            " FROM workflows JOIN workflow_versions AS versions \
             ON versions.workflow_id = workflows.id \
             WHERE workflows.id = ?1 AND (?2 IS NULL OR workflows.user_id = ?2) ",
            $rest
        )
    };
}

/// A version with its JSON, and where its workflow runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeVersion {
    /// The version.
    pub version: WorkflowVersion,
    /// Its JSON, as it was given.
    pub data: String,
    /// The workflow's service.
    pub service: Option<ServiceId>,
}

/// The versions of a workflow in `scope`, newest first. None of a workflow that is not there.
///
/// # Errors
/// What a failed statement means.
pub async fn list(
    sql: &dyn Sql,
    scope: Scope,
    workflow: WorkflowId,
    window: Window,
) -> Result<Listed<WorkflowVersion>, Error> {
    const STATEMENTS: (&str, &str) = (
        "SELECT COUNT(*) FROM workflows JOIN workflow_versions ON workflow_id = workflows.id \
         WHERE workflows.id = ?1 AND (?2 IS NULL OR workflows.user_id = ?2)",
        select!("", "ORDER BY versions.number DESC LIMIT ?3 OFFSET ?4"),
    );
    let owner = scope.owner.map(|user| user.0);
    let parameters = vec![workflow.0.into(), owner.into()];
    listed(sql, STATEMENTS, parameters, window, read).await
}

/// A version of a workflow in `scope` with its JSON: the one of that number, or the newest.
///
/// # Errors
/// What a failed statement means.
pub async fn find(
    sql: &dyn Sql,
    scope: Scope,
    workflow: WorkflowId,
    number: Option<i64>,
) -> Result<Option<WholeVersion>, Error> {
    const SELECT: &str = select!(
        ", (SELECT data FROM workflow_contents WHERE workflow_contents.id = versions.content_id), \
         workflows.service_id",
        "AND versions.number = COALESCE(?3, workflows.version)"
    );
    let owner = scope.owner.map(|user| user.0);
    let parameters = vec![workflow.0.into(), owner.into(), number.into()];
    let read = |row: &Row| -> Result<WholeVersion, SqlError> {
        Ok(WholeVersion {
            version: read(row)?,
            data: row.get(11)?,
            service: row.get::<Option<i64>>(12)?.map(ServiceId),
        })
    };
    first(sql, SELECT, parameters, read).await
}

/// The same without its JSON, which may be large: the version, and the workflow's service.
///
/// # Errors
/// What a failed statement means.
pub async fn look(
    sql: &dyn Sql,
    scope: Scope,
    workflow: WorkflowId,
    number: Option<i64>,
) -> Result<Option<(WorkflowVersion, Option<ServiceId>)>, Error> {
    const SELECT: &str = select!(
        ", workflows.service_id",
        "AND versions.number = COALESCE(?3, workflows.version)"
    );
    let owner = scope.owner.map(|user| user.0);
    let parameters = vec![workflow.0.into(), owner.into(), number.into()];
    let read = |row: &Row| -> Result<_, SqlError> {
        Ok((read(row)?, row.get::<Option<i64>>(11)?.map(ServiceId)))
    };
    first(sql, SELECT, parameters, read).await
}

fn read(row: &Row) -> Result<WorkflowVersion, SqlError> {
    let run = match row.get::<Option<String>>(8)? {
        Some(_) => Some(uuid(row, 8)?),
        None => None,
    };
    Ok(WorkflowVersion {
        number: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        format: known(row, 3, |text| WorkflowFormat::parse(text).ok())?,
        node_count: row.get(4)?,
        size: row.get(5)?,
        author_kind: known(row, 6, |text| AuthorKind::parse(text).ok())?,
        author: row.get(7)?,
        run,
        note: row.get(9)?,
        created_at: Timestamp(row.get(10)?),
    })
}
