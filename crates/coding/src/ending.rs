//! The end of a session, of whatever kind.

use domain::{Error, Event, Session, SessionKey, WorkflowId, event::WorkflowUnlocked};
use http::HeaderMap;
use ports::{Platform, Sql};
use runner_api::Client;
use store::{
    runs,
    sessions::{self, Scope},
    workflows,
};
use uuid::Uuid;

/// Deletes a session with its sandbox and its room.
///
/// The session goes first, so that nobody launches its sandbox anew. A runner that cannot be asked
/// keeps nobody from deleting: it asks which sandboxes nobody owns, and destroys this one then.
/// With the session goes the lock that its run has on a workflow; who may see that is told here,
/// because it may be that nobody executes the run just now.
///
/// # Errors
/// Not found when it is not in `scope`, else what a failed statement means.
pub async fn delete(
    platform: &Platform,
    headers: &HeaderMap,
    scope: Scope<'_>,
    key: SessionKey,
) -> Result<Session, Error> {
    let unknown = || Error::not_found("Session not found");
    let found = sessions::find(&*platform.sql, scope, key).await?;
    let session = found.ok_or_else(unknown)?;
    let locked = locked(&*platform.sql, &session).await?;
    if !sessions::delete(&*platform.sql, scope, key).await? {
        return Err(unknown());
    }
    let client = Client::of(platform, headers);
    if let Some((workflow, rooms)) = locked {
        let telling = unlocked(client.clone(), workflow, rooms);
        platform.tasks.spawn(Box::pin(telling));
    }
    if let Err(error) = client.end_session(session.uuid).await {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_default();
        eprintln!("a deleted session not ended at the runner yet: {error}: {cause}");
    }
    Ok(session)
}

/// The workflow that the session's run has locked, and the rooms of all who may see it.
async fn locked(
    sql: &dyn Sql,
    session: &Session,
) -> Result<Option<(WorkflowId, Vec<Uuid>)>, Error> {
    let Some(run) = runs::unfinished_of(sql, session.id).await? else {
        return Ok(None);
    };
    let Some(workflow) = workflows::locked_by(sql, run.uuid).await? else {
        return Ok(None);
    };
    let rooms = workflows::rooms(sql, workflow, session.user_id).await?;
    Ok(Some((workflow, rooms)))
}

async fn unlocked(client: Client, workflow: WorkflowId, rooms: Vec<Uuid>) {
    let event = Event::WorkflowUnlocked(WorkflowUnlocked {
        workflow_id: workflow.0,
    });
    if let Err(error) = client.publish_to_each(&rooms, event).await {
        eprintln!("workflow {workflow}: a room is not told of its lock: {error}");
    }
}
