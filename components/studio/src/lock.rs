//! The lock on the workflow that a run changes: from its first change to its end.
//!
//! The database prolongs the lock with the run's own lease and ends it with the run, however that
//! ends; here it is taken, and told to whoever may see the workflow.

use agent::ToolError;
use domain::{
    Error, Event, WorkflowId,
    event::{WorkflowLocked, WorkflowUnlocked},
};
use ports::Platform;
use runner_api::Client;
use std::sync::{Mutex, PoisonError};
use store::{
    runs::{self, StoredRun},
    workflows::{self, Locked, Scope},
};

/// Why a workflow is locked, for people.
const REASON: &str = "Agent editing";

/// How long a lock lasts that nobody prolongs, in milliseconds. The run's lease does, every few
/// seconds.
const LASTS: i64 = 45_000;

/// The lock of a run.
pub(crate) struct Lock {
    platform: Platform,
    run: StoredRun,
    /// What this run has locked.
    held: Mutex<Option<WorkflowId>>,
}

impl Lock {
    /// The lock of a run that begins, or that an earlier execution has begun.
    pub(crate) async fn taken_up(platform: &Platform, run: &StoredRun) -> Result<Self, Error> {
        let held = workflows::locked_by(&*platform.sql, run.uuid).await?;
        Ok(Self {
            platform: platform.clone(),
            run: run.clone(),
            held: Mutex::new(held),
        })
    }

    /// Locks a workflow for the run, if it is not locked for it already.
    pub(crate) async fn take(&self, id: WorkflowId, scope: Scope) -> Result<(), ToolError> {
        let now = self.platform.clock.now();
        let (sql, holder) = (&*self.platform.sql, (self.run.uuid, REASON));
        let locked = workflows::lock(sql, scope.owner, id, holder, now, now + LASTS).await;
        match locked.map_err(|error| crate::tools::refused(&error))? {
            Locked::Done(_) => {}
            Locked::Held(reason) => {
                let text = format!("Somebody else works on the workflow just now: {reason}");
                return Err(ToolError(text));
            }
            Locked::Ended => return Err(ToolError("The run has ended".to_owned())),
            Locked::Gone => return Err(ToolError("The workflow was deleted".to_owned())),
        }
        if self.is_new(id) {
            let locked = WorkflowLocked {
                workflow_id: id.0,
                reason: REASON.to_owned(),
            };
            tell(&self.platform, &self.run, id, Event::WorkflowLocked(locked)).await;
        }
        Ok(())
    }

    fn is_new(&self, id: WorkflowId) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.replace(id) != Some(id)
    }

    /// The run is not executed here any more. If it has ended, or is gone, so has its lock.
    pub(crate) async fn let_go(&self) {
        let held = *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = held else { return };
        match runs::find(&*self.platform.sql, self.run.uuid).await {
            // Whoever executes it on holds it on.
            Ok(Some(run)) if !run.status.is_final() => {}
            Ok(_) => unlocked(&self.platform, &self.run, id).await,
            Err(error) => eprintln!("run {}: its lock is not told of: {error}", self.run.uuid),
        }
    }
}

/// Tells again that the lock of a run has ended, which has itself: whoever executed it may have died
/// before. Whether it had one is not known any more; it is told of all that wanted one.
pub(crate) async fn tell_again(platform: &Platform, run: &StoredRun) {
    match workflows::of_session(&*platform.sql, run.session).await {
        Ok(Some((id, _))) => unlocked(platform, run, id).await,
        Ok(None) => {}
        Err(error) => eprintln!("run {}: its lock is not told of: {error}", run.uuid),
    }
}

/// Tells that the workflow is free, if no other run has locked it by now.
async fn unlocked(platform: &Platform, run: &StoredRun, id: WorkflowId) {
    let everybodys = Scope {
        owner: None,
        asker: run.user,
    };
    let now = platform.clock.now();
    match workflows::find(&*platform.sql, everybodys, id, now).await {
        Ok(Some(found)) if found.workflow.lock.is_some() => {}
        Ok(_) => {
            let unlocked = WorkflowUnlocked { workflow_id: id.0 };
            tell(platform, run, id, Event::WorkflowUnlocked(unlocked)).await;
        }
        Err(error) => eprintln!("workflow {id}: whether it is free is not known: {error}"),
    }
}

/// Tells the rooms of all who may see the workflow. A room that cannot be told keeps nobody from
/// working: the lock itself is in the database.
async fn tell(platform: &Platform, run: &StoredRun, id: WorkflowId, event: Event) {
    let rooms = workflows::rooms(&*platform.sql, id, run.user).await;
    let rooms = rooms.unwrap_or_else(|error| {
        eprintln!("workflow {id}: who may see it is not known: {error}");
        Vec::new()
    });
    let client = Client::new(platform);
    if let Err(error) = client.publish_to_each(&rooms, event).await {
        eprintln!("workflow {id}: a room is not told of its lock: {error}");
    }
}
