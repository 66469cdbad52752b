//! Drives a run to its end, or to the end of its slice of time.

use crate::{
    Assignments, Body, End, Limits, Reader, Reason, Record, Team, Transcript,
    decide::out_of_time,
    drive::{Drive, Halt, Loop, Worked},
    journal::{Journal, NewStep, Outlet, Shared},
    missing, retell,
};
use domain::Error;
use futures::future::{Either, select};
use ports::{Clock, Random};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};

/// What the loop needs of the platform.
#[derive(Clone)]
pub struct World {
    /// Asks models.
    pub client: llm::Client,
    /// Time, and waiting for it.
    pub clock: Arc<dyn Clock>,
    /// Ids, and waits that vary.
    pub random: Arc<dyn Random>,
}

/// A run: one turn of a team.
pub struct Run<'a> {
    /// Who works on it.
    pub team: &'a Team,
    /// How much it may take.
    pub limits: Limits,
    /// The platform.
    pub world: &'a World,
    /// Keeps its steps.
    pub record: &'a dyn Record,
    /// Is told what happens.
    pub reader: &'a dyn Reader,
    /// What happened so far; at least the user's message, whose step names the agent who is to
    /// answer (`runs::begin`).
    pub transcript: Transcript,
    /// The last step of this run that the reader knows of; 0 for none.
    pub seen: u64,
    /// After how long it is put down, to be driven on by the next call; never, if `None`.
    pub slice: Option<Duration>,
}

/// How far a run was driven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driven {
    /// To its end.
    Ended(End),
    /// To the end of its slice: drive it on.
    Paused,
}

/// A run stopped where it is. Its steps are stored as far as readers know of them; it can be
/// driven on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A step could not be stored, or somebody else drives the run.
    #[error("the run's steps cannot be stored")]
    Record(#[source] Error),
    /// The reader has gone.
    #[error("the reader of the run has gone")]
    ReaderGone,
}

/// How soon after its first step a run is driven if it did not have to wait, in milliseconds.
const AT_ONCE: i64 = 5_000;

/// Why the loops were dropped.
enum Stopped {
    Interrupted,
    OutOfTime,
}

impl Run<'_> {
    /// Drives the run. `interrupt` resolves when the user wants it stopped: models and tools are
    /// dropped at once, and what was under way is recorded as interrupted. Dropping the future
    /// stops them too; the run is unfinished then.
    ///
    /// # Errors
    /// [`RunError`]
    pub async fn drive(
        self,
        interrupt: impl Future<Output = ()> + Send,
    ) -> Result<Driven, RunError> {
        let began = self.world.clock.now();
        if let Some(end) = self.catch_up().await? {
            return Ok(Driven::Ended(end));
        }
        let recovery = self.recovery(began);
        let Self {
            team,
            limits,
            world,
            record,
            slice,
            ..
        } = self;
        let mut journal = self.journal();
        for step in recovery {
            journal.store(step).await?;
        }
        let (outlet, mut commands) = Outlet::channel();
        let next_number = journal.transcript.read().next_number();
        let drive = Drive {
            team,
            limits: &limits,
            world,
            record,
            transcript: journal.transcript.clone(),
            slice: slice.map(|slice| (began, slice)),
            next_number,
            call_ids: std::sync::Mutex::default(),
        };
        let left = {
            let worked = journal.transcript.read().worked(began);
            limits.time.saturating_sub(worked)
        };
        let done = {
            // Nothing of the loops outlives this: their streams and tools are dropped with it.
            let working = pin!(async move {
                let agent = drive.addressee();
                let turn = Loop::turn(&drive, agent, outlet);
                let time = world.clock.sleep(left);
                let interrupt = pin!(interrupt);
                let stop = select(interrupt, time);
                match select(stop, pin!(turn.work())).await {
                    Either::Left((Either::Left(_), _)) => Err(Stopped::Interrupted),
                    Either::Left((Either::Right(_), _)) => Err(Stopped::OutOfTime),
                    Either::Right((worked, _)) => Ok(worked),
                }
            });
            let serving = pin!(journal.serve(&mut commands));
            match select(working, serving).await {
                Either::Left((done, serving)) => {
                    serving.await?;
                    done
                }
                // It only ends before the loops do when it fails.
                Either::Right((served, working)) => {
                    served?;
                    working.await
                }
            }
        };
        let end = match done {
            Ok(Ok(Worked::Finished(end))) => end,
            Ok(Ok(Worked::Yielded)) => {
                journal.store(turn_step(Body::Paused)).await?;
                return Ok(Driven::Paused);
            }
            Ok(Err(Halt::Record(error))) => return Err(RunError::Record(error)),
            Ok(Err(Halt::Closed)) => return Err(RunError::ReaderGone),
            Err(Stopped::Interrupted) => interrupted(),
            Err(Stopped::OutOfTime) => out_of_time(&limits),
        };
        close(&mut journal, end).await.map(Driven::Ended)
    }

    /// Ends a run that nobody drives, such as one whose session is being deleted: whatever is open
    /// is recorded as interrupted.
    ///
    /// # Errors
    /// [`RunError`]
    pub async fn end(self, end: End) -> Result<End, RunError> {
        if let Some(end) = self.catch_up().await? {
            return Ok(end);
        }
        close(&mut self.journal(), end).await
    }

    /// Tells the reader what it does not know yet. Returns the end of a run that has ended.
    async fn catch_up(&self) -> Result<Option<End>, RunError> {
        retell(&self.transcript, self.seen, self.reader).await?;
        Ok(self.transcript.ended().cloned())
    }

    /// The steps that close what a crash left open, and let the time count from now on: what a run
    /// waited until somebody drove it is no time at work.
    fn recovery(&self, now: i64) -> Vec<NewStep> {
        let begun = match self.transcript.run() {
            [] => false,
            [first] => now.saturating_sub(first.at) > AT_ONCE,
            _ => true,
        };
        if !begun {
            return Vec::new();
        }
        let missing = missing(&self.transcript, Assignments::GoOn).into_iter();
        let resumed = std::iter::once(turn_step(Body::Resumed));
        resumed.chain(missing.map(NewStep::from)).collect()
    }
}

impl<'a> Run<'a> {
    /// The writer of the run's steps. The transcript is its own from now on: of a long session it
    /// is large.
    fn journal(self) -> Journal<'a> {
        let transcript = Shared::new(self.transcript);
        Journal::new(self.record, self.reader, &*self.world.clock, transcript)
    }
}

/// The end of a run that the user stopped.
fn interrupted() -> End {
    End::new(Reason::Interrupted, "the run was interrupted")
}

/// Closes what is open, and ends the run.
async fn close(journal: &mut Journal<'_>, end: End) -> Result<End, RunError> {
    journal.settle();
    let missing = missing(&journal.transcript.read(), Assignments::End);
    for step in missing {
        journal.store(step.into()).await?;
    }
    journal.store(turn_step(Body::Ended(end.clone()))).await?;
    Ok(end)
}

/// A step of the turn itself that is nobody's.
fn turn_step(body: Body) -> NewStep {
    NewStep {
        agent: None,
        thread: None,
        body,
        output: None,
    }
}

impl From<crate::Missing> for NewStep {
    fn from(missing: crate::Missing) -> Self {
        Self {
            agent: missing.agent,
            thread: missing.thread,
            body: missing.body,
            output: None,
        }
    }
}
