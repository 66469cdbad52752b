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
use runner_api::{Client, rooms::Publish};
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
            self.tell(id, Event::WorkflowLocked(locked)).await;
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
            Ok(_) => {
                let unlocked = WorkflowUnlocked { workflow_id: id.0 };
                self.tell(id, Event::WorkflowUnlocked(unlocked)).await;
            }
            Err(error) => eprintln!("run {}: its lock is not told of: {error}", self.run.uuid),
        }
    }

    /// Tells the rooms of all who may see the workflow. A room that cannot be told keeps nobody
    /// from working: the lock itself is in the database.
    async fn tell(&self, id: WorkflowId, event: Event) {
        let rooms = workflows::rooms(&*self.platform.sql, id, self.run.user).await;
        let rooms = rooms.unwrap_or_else(|error| {
            eprintln!("workflow {id}: who may see it is not known: {error}");
            Vec::new()
        });
        let client = Client::new(&self.platform);
        let publish = Publish {
            events: vec![event],
        };
        for room in rooms {
            if let Err(error) = client.publish(room, &publish).await {
                eprintln!("workflow {id}: a room is not told of its lock: {error}");
            }
        }
    }
}
