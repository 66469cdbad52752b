//! How workflows change: each change is a version.

use super::{BYTES_MOST, Scope};
use crate::rows::{count_of, first};
use domain::{AuthorKind, Error, ServiceId, WorkflowFormat, WorkflowId, WorkflowName};
use ports::{Row, Sql, SqlError, Value};
use uuid::Uuid;

/// A workflow's JSON, as it was given, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The JSON.
    pub data: &'a str,
    /// How it is written.
    pub format: WorkflowFormat,
    /// How many nodes it has.
    pub node_count: i64,
}

impl Content<'_> {
    pub(super) fn size(&self) -> i64 {
        i64::try_from(self.data.len()).unwrap_or(i64::MAX)
    }
}

/// Who makes a version.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// A person of that name.
    User(&'a str),
    /// An agent.
    Agent {
        /// Its name.
        name: &'a str,
        /// The run that it works in.
        run: Uuid,
    },
}

impl<'a> Author<'a> {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::User(_) => AuthorKind::User.as_str(),
            Self::Agent { .. } => AuthorKind::Agent.as_str(),
        }
    }

    pub(super) fn name(self) -> &'a str {
        match self {
            Self::User(name) | Self::Agent { name, .. } => name,
        }
    }

    pub(super) fn run(self) -> Option<String> {
        match self {
            Self::User(_) => None,
            Self::Agent { run, .. } => Some(run.to_string()),
        }
    }
}

/// Who makes a change, why, and when.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// Who. A user changes what nobody holds; an agent what its run holds under a lock.
    pub author: Author<'a>,
    /// Why, in the author's words.
    pub note: &'a str,
    /// The version that the change was made on: of another newest one nothing is changed.
    pub base: Option<i64>,
    /// Now.
    pub now: i64,
}

/// New parts of a workflow. `None` leaves a part as it is; `Some(None)` empties it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// What people call it.
    pub name: Option<&'a WorkflowName>,
    /// What it is for.
    pub description: Option<&'a str>,
    /// Where it runs.
    pub service: Option<Option<ServiceId>>,
    /// What it is.
    pub content: Option<Content<'a>>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is this version.
    Done(i64),
    /// There is no such service.
    NoService,
    /// There is no such version, or no more.
    NoVersion,
    /// Somebody else holds it, for this reason; for an agent, also that it holds nothing.
    Locked(String),
    /// The newest version is this one.
    Overtaken(i64),
    /// Its owner would have more than [`BYTES_MOST`].
    Full,
    /// There is no such workflow in the scope.
    Gone,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// Somebody holds it, for this reason.
    Locked(String),
    /// There is no such workflow in the scope.
    Gone,
}

/// Whether whoever changes a workflow may: `?1` is it, `?2` the owner, `?3` now, `?4` the run of
/// an agent, `?5` the version that must be the newest.
macro_rules! may_change {
    () => {
        "workflows.id = ?1 AND (?2 IS NULL OR workflows.user_id = ?2) \
         AND CASE WHEN ?4 IS NULL THEN COALESCE(workflows.lock_until, 0) <= ?3 \
             ELSE workflows.lock_run = ?4 AND workflows.lock_until > ?3 END \
         AND (?5 IS NULL OR workflows.version = ?5) "
    };
}

/// Changes the given parts, all or none, and stores the version. JSON that the newest version has
/// already is not stored again.
///
/// # Errors
/// What a failed statement means.
pub async fn update(
    sql: &dyn Sql,
    scope: Scope,
    id: WorkflowId,
    change: &Change<'_>,
    writer: &Writer<'_>,
) -> Result<Changed, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO workflow_changes (workflow_id, number, name, description, service_id, \
             content_id, data, format, node_count, size, author_kind, author, run_id, note, at) \
         SELECT workflows.id, workflows.version + 1, COALESCE(?9, workflows.name), \
             COALESCE(?10, workflows.description), \
             CASE WHEN ?11 THEN ?12 ELSE workflows.service_id END, \
             same.id, ?13, \
             COALESCE(?14, newest.format), COALESCE(?15, newest.node_count), \
             COALESCE(?16, newest.size), ?6, ?7, ?4, ?8, ?3 \
         FROM workflows JOIN workflow_versions AS newest \
             ON newest.workflow_id = workflows.id AND newest.number = workflows.version \
             LEFT JOIN workflow_contents AS same ON same.id = newest.content_id \
                 AND (?13 IS NULL OR same.size = ?16 AND same.data = ?13) \
         WHERE ",
        may_change!(),
        "AND (?12 IS NULL OR EXISTS (SELECT 1 FROM services WHERE services.id = ?12)) \
         AND (same.id IS NOT NULL OR ?16 + (SELECT COALESCE(SUM(contents.size), 0) \
             FROM workflow_contents AS contents JOIN workflows AS owned \
             ON owned.id = contents.workflow_id WHERE owned.user_id = workflows.user_id) <= ?17) \
         RETURNING number"
    );
    let mut parameters = parameters(scope, id, writer);
    let content = change.content.as_ref();
    parameters.extend([
        change.name.map(WorkflowName::as_str).into(),
        change.description.into(),
        i64::from(change.service.is_some()).into(),
        change.service.flatten().map(|id| id.0).into(),
        content.map(|content| content.data).into(),
        content.map(|content| content.format.as_str()).into(),
        content.map(|content| content.node_count).into(),
        content.map(Content::size).into(),
        BYTES_MOST.into(),
    ]);
    match first(sql, INSERT, parameters, number).await? {
        Some(number) => Ok(Changed::Done(number)),
        None => why_not(sql, scope, id, writer, change.service.flatten(), None).await,
    }
}

/// Makes the workflow what it was in version `of`, name and description included, as a new
/// version.
///
/// # Errors
/// What a failed statement means.
pub async fn restore(
    sql: &dyn Sql,
    scope: Scope,
    id: WorkflowId,
    of: i64,
    writer: &Writer<'_>,
) -> Result<Changed, Error> {
    const INSERT: &str = concat!(
        "INSERT INTO workflow_changes (workflow_id, number, name, description, service_id, \
             content_id, format, node_count, size, author_kind, author, run_id, note, at) \
         SELECT workflows.id, workflows.version + 1, old.name, old.description, \
             workflows.service_id, old.content_id, old.format, old.node_count, old.size, \
             ?6, ?7, ?4, ?8, ?3 \
         FROM workflows JOIN workflow_versions AS old \
             ON old.workflow_id = workflows.id AND old.number = ?9 \
         WHERE ",
        may_change!(),
        "RETURNING number"
    );
    let mut parameters = parameters(scope, id, writer);
    parameters.push(of.into());
    match first(sql, INSERT, parameters, number).await? {
        Some(number) => Ok(Changed::Done(number)),
        None => why_not(sql, scope, id, writer, None, Some(of)).await,
    }
}

/// Deletes a workflow that nobody holds, with its versions. Sessions and files stay.
///
/// # Errors
/// What a failed statement means.
pub async fn delete(
    sql: &dyn Sql,
    scope: Scope,
    id: WorkflowId,
    now: i64,
) -> Result<Deleted, Error> {
    const DELETE: &str = "DELETE FROM workflows WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2) \
         AND COALESCE(lock_until, 0) <= ?3 RETURNING id";
    const LOCKED: &str = "SELECT COALESCE(lock_reason, '') FROM workflows \
         WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)";
    let mut parameters: Vec<Value> = vec![id.0.into(), scope.owner()];
    let which = parameters.clone();
    parameters.push(now.into());
    if count_of(sql, DELETE, parameters).await? > 0 {
        return Ok(Deleted::Done);
    }
    let reason = first(sql, LOCKED, which, |row: &Row| row.get::<String>(0)).await?;
    Ok(reason.map_or(Deleted::Gone, Deleted::Locked))
}

/// The parameters 1 to 8 of a change.
fn parameters(scope: Scope, id: WorkflowId, writer: &Writer<'_>) -> Vec<Value> {
    vec![
        id.0.into(),
        scope.owner(),
        writer.now.into(),
        writer.author.run().into(),
        writer.base.into(),
        writer.author.kind().into(),
        writer.author.name().into(),
        writer.note.into(),
    ]
}

fn number(row: &Row) -> Result<i64, SqlError> {
    row.get(0)
}

async fn why_not(
    sql: &dyn Sql,
    scope: Scope,
    id: WorkflowId,
    writer: &Writer<'_>,
    service: Option<ServiceId>,
    version: Option<i64>,
) -> Result<Changed, Error> {
    const SELECT: &str = "SELECT CASE WHEN ?4 IS NULL \
                 THEN COALESCE(lock_until, 0) > ?3 \
                 ELSE lock_run IS NOT ?4 OR lock_until <= ?3 END, \
             COALESCE(lock_reason, ''), version, \
             ?5 IS NULL OR EXISTS (SELECT 1 FROM services WHERE services.id = ?5), \
             ?6 IS NULL OR EXISTS (SELECT 1 FROM workflow_versions \
                 WHERE workflow_id = workflows.id AND number = ?6) \
         FROM workflows WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)";
    let parameters = vec![
        id.0.into(),
        scope.owner(),
        writer.now.into(),
        writer.author.run().into(),
        service.map(|id| id.0).into(),
        version.into(),
    ];
    let read = |row: &Row| -> Result<(bool, String, i64, bool, bool), SqlError> {
        let flag = |column| crate::rows::flag(row, column);
        Ok((flag(0)?, row.get(1)?, row.get(2)?, flag(3)?, flag(4)?))
    };
    Ok(match first(sql, SELECT, parameters, read).await? {
        None => Changed::Gone,
        Some((true, reason, ..)) => Changed::Locked(reason),
        Some((_, _, newest, ..)) if writer.base.is_some_and(|base| base != newest) => {
            Changed::Overtaken(newest)
        }
        Some((.., false, _)) => Changed::NoService,
        Some((.., false)) => Changed::NoVersion,
        Some(_) => Changed::Full,
    })
}
