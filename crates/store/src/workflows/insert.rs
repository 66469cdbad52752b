//! New workflows.

use super::change::{Author, Content};
use crate::rows::{count_of, first};
use domain::{Error, ServiceId, UserId, WorkflowId, WorkflowName};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// How many workflows a user may have.
pub const WORKFLOWS_MOST: i64 = 2_000;

/// How many bytes of JSON the versions of a user's workflows may have together.
pub const BYTES_MOST: i64 = 512 << 20;

/// A workflow that is to be stored with its first version.
#[derive(Clone, Copy, Debug)]
pub struct NewWorkflow<'a> {
    /// Its number for the outside.
    pub uuid: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// What people call it.
    pub name: &'a WorkflowName,
    /// What it is for.
    pub description: &'a str,
    /// Where it runs.
    pub service: Option<ServiceId>,
    /// What it is.
    pub content: Content<'a>,
    /// Who makes it.
    pub author: Author<'a>,
    /// Why, in the author's words.
    pub note: &'a str,
    /// When.
    pub now: i64,
}

/// What became of a new workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored under this number.
    Done(WorkflowId),
    /// There is no such service.
    NoService,
    /// The user has [`WORKFLOWS_MOST`], or [`BYTES_MOST`] with this.
    Full,
    /// The account is gone.
    NoUser,
}

/// Stores a workflow and its first version, both or neither.
///
/// # Errors
/// What a failed statement means.
pub async fn insert(sql: &dyn Sql, new: &NewWorkflow<'_>) -> Result<Inserted, Error> {
    const INSERT: &str = "INSERT INTO workflow_beginnings (uuid, user_id, name, description, \
             service_id, data, format, node_count, size, author_kind, author, run_id, note, at) \
         SELECT ?1, users.id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 FROM users \
         WHERE users.id = ?2 AND users.realm = 'account' \
             AND (?5 IS NULL OR EXISTS (SELECT 1 FROM services WHERE services.id = ?5)) \
             AND (SELECT COUNT(*) FROM workflows WHERE user_id = ?2) < ?15 \
             AND ?9 + (SELECT COALESCE(SUM(size), 0) FROM workflow_contents JOIN workflows \
                 ON workflows.id = workflow_id WHERE workflows.user_id = ?2) <= ?16 \
         RETURNING uuid";
    const ID: &str = "SELECT id FROM workflows WHERE uuid = ?1";
    let content = &new.content;
    let parameters: Vec<Value> = vec![
        new.uuid.to_string().into(),
        new.user.0.into(),
        new.name.as_str().into(),
        new.description.into(),
        new.service.map(|id| id.0).into(),
        content.data.into(),
        content.format.as_str().into(),
        content.node_count.into(),
        content.size().into(),
        new.author.kind().into(),
        new.author.name().into(),
        new.author.run().into(),
        new.note.into(),
        new.now.into(),
        WORKFLOWS_MOST.into(),
        BYTES_MOST.into(),
    ];
    if count_of(sql, INSERT, parameters).await? == 0 {
        return why_not(sql, new).await;
    }
    let id = first(sql, ID, vec![new.uuid.to_string().into()], |row| row.get(0)).await?;
    // Somebody who saw it in a list may have deleted it already.
    Ok(id.map_or(Inserted::NoUser, |id| Inserted::Done(WorkflowId(id))))
}

async fn why_not(sql: &dyn Sql, new: &NewWorkflow<'_>) -> Result<Inserted, Error> {
    const SELECT: &str = "SELECT \
             EXISTS (SELECT 1 FROM users WHERE id = ?1 AND realm = 'account'), \
             ?2 IS NULL OR EXISTS (SELECT 1 FROM services WHERE id = ?2)";
    let parameters = vec![new.user.0.into(), new.service.map(|id| id.0).into()];
    let read = |row: &Row| -> Result<(i64, i64), SqlError> { Ok((row.get(0)?, row.get(1)?)) };
    Ok(match first(sql, SELECT, parameters, read).await? {
        Some((1, 1)) => Inserted::Full,
        Some((1, _)) => Inserted::NoService,
        _ => Inserted::NoUser,
    })
}
