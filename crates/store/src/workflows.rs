//! ComfyUI workflows. What they went through is in [`crate::versions`].
//!
//! Invariants: every statement says whose workflow it is about; a change is a version; nobody but
//! the holder changes a workflow that is locked, which the statement of the change itself sees to.

mod agent;
mod change;
mod favorite;
mod insert;
mod list;
mod lock;

pub use agent::{locked_by, of_session, rooms};
pub use change::{Author, Change, Changed, Content, Deleted, Writer, delete, restore, update};
pub use favorite::set_favorite;
pub use insert::{BYTES_MOST, Inserted, NewWorkflow, WORKFLOWS_MOST, insert};
pub use list::{Filter, Order, SortBy, list};
pub use lock::{Locked, lock, unlock};

use crate::rows::{count_of, first, instant, known, uuid};
use domain::{
    Error, ServiceId, Timestamp, UserId, Workflow, WorkflowFormat, WorkflowId, WorkflowLock,
};
use ports::{Row, Sql, SqlError, Value};

/// What [`read`] reads, where `?1` is now and `?2` whose favourites count. A lock that has run
/// out is none.
macro_rules! workflow_columns {
    () => {
        "workflows.id, workflows.uuid, workflows.user_id, workflows.service_id, workflows.name, \
         workflows.description, workflows.version, workflow_versions.format, \
         workflow_versions.node_count, workflows.last_used_at, \
         CASE WHEN workflows.lock_until > ?1 THEN workflows.lock_run END, workflows.lock_reason, \
         workflows.lock_until, workflows.lock_generation, workflows.created_at, \
         workflows.updated_at, \
         (SELECT name FROM services WHERE services.id = workflows.service_id), \
         EXISTS (SELECT 1 FROM favorites WHERE favorites.workflow_id = workflows.id \
             AND favorites.user_id = ?2), \
         (SELECT COUNT(*) FROM sessions WHERE sessions.workflow_id = workflows.id), \
         (SELECT COUNT(*) FROM workflow_versions AS kept WHERE kept.workflow_id = workflows.id)"
    };
}
use workflow_columns;

/// Where [`workflow_columns`] are from.
macro_rules! workflow_tables {
    () => {
        " FROM workflows JOIN workflow_versions \
             ON workflow_versions.workflow_id = workflows.id \
             AND workflow_versions.number = workflows.version "
    };
}
use workflow_tables;

/// A workflow, and what a list shows besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedWorkflow {
    /// The workflow.
    pub workflow: Workflow,
    /// What its service is called.
    pub service_name: Option<String>,
    /// Whether it is one of the asker's favourites.
    pub is_favorite: bool,
    /// How many sessions are about it.
    pub sessions: i64,
    /// How many versions are kept.
    pub versions: i64,
}

/// Whose workflows a request may be about, and who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Whose; `None` is anybody's, for administrators.
    pub owner: Option<UserId>,
    /// Who asks: favourites are theirs.
    pub asker: UserId,
}

impl Scope {
    /// Those of `user` alone.
    #[must_use]
    pub fn of(user: UserId) -> Self {
        Self {
            owner: Some(user),
            asker: user,
        }
    }

    fn owner(self) -> Value {
        self.owner.map(|user| user.0).into()
    }
}

/// The workflow of that number, if it is in `scope`.
///
/// # Errors
/// What a failed statement means.
pub async fn find(
    sql: &dyn Sql,
    scope: Scope,
    id: WorkflowId,
    now: i64,
) -> Result<Option<ListedWorkflow>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        workflow_columns!(),
        workflow_tables!(),
        "WHERE workflows.id = ?4 AND (?3 IS NULL OR workflows.user_id = ?3)"
    );
    let parameters = vec![now.into(), scope.asker.0.into(), scope.owner(), id.0.into()];
    first(sql, SELECT, parameters, read).await
}

/// Notes that the workflow was run or talked about.
///
/// # Errors
/// What a failed statement means.
pub async fn touch(sql: &dyn Sql, id: WorkflowId, now: i64) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE workflows SET last_used_at = MAX(COALESCE(last_used_at, 0), ?2) \
         WHERE id = ?1 RETURNING id";
    count_of(sql, UPDATE, vec![id.0.into(), now.into()])
        .await
        .map(drop)
}

fn read(row: &Row) -> Result<ListedWorkflow, SqlError> {
    let lock = match row.get::<Option<String>>(10)? {
        Some(_) => Some(WorkflowLock {
            run: uuid(row, 10)?,
            reason: row.get::<Option<String>>(11)?.unwrap_or_default(),
            until: Timestamp(row.get(12)?),
            generation: row.get(13)?,
        }),
        None => None,
    };
    let workflow = Workflow {
        id: WorkflowId(row.get(0)?),
        uuid: uuid(row, 1)?,
        user_id: UserId(row.get(2)?),
        service_id: row.get::<Option<i64>>(3)?.map(ServiceId),
        name: row.get(4)?,
        description: row.get(5)?,
        version: row.get(6)?,
        format: known(row, 7, |text| WorkflowFormat::parse(text).ok())?,
        node_count: row.get(8)?,
        last_used_at: instant(row, 9)?,
        lock,
        created_at: Timestamp(row.get(14)?),
        updated_at: Timestamp(row.get(15)?),
    };
    Ok(ListedWorkflow {
        workflow,
        service_name: row.get(16)?,
        is_favorite: crate::rows::flag(row, 17)?,
        sessions: row.get(18)?,
        versions: row.get(19)?,
    })
}
