//! The one place where steps are stored and events go out, in the order in which they happen.
//!
//! The loops hand everything over through a channel. When they are dropped, what they had handed
//! over is still stored and told: no step is left half written.

use crate::{
    Batch, Body, Event, Gone, Kind, Reader, Record, RunError, Step, Transcript,
    limits::DRAFT_EVERY, telling::batch_of,
};
use futures::{
    SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    lock::Mutex as AsyncMutex,
};
use ports::Clock;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// How many commands wait at most for a slow reader, for each sender.
const WAITING: usize = 16;

/// A step that is not stored yet.
pub(crate) struct NewStep {
    pub(crate) agent: Option<String>,
    pub(crate) thread: Option<String>,
    pub(crate) body: Body,
    /// The whole output of a call, if the step shows only parts of it.
    pub(crate) output: Option<String>,
}

pub(crate) enum Command {
    Store(Box<NewStep>, oneshot::Sender<()>),
    Tell(Event),
}

/// The journal is closed: the run is over, or about to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// A way to the journal. Each clone waits for itself when the reader is slow.
pub(crate) struct Outlet {
    sender: AsyncMutex<mpsc::Sender<Command>>,
    original: mpsc::Sender<Command>,
}

impl Clone for Outlet {
    fn clone(&self) -> Self {
        Self::new(self.original.clone())
    }
}

impl Outlet {
    fn new(sender: mpsc::Sender<Command>) -> Self {
        Self {
            sender: AsyncMutex::new(sender.clone()),
            original: sender,
        }
    }

    /// A journal's two ends.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self::new(sender), receiver)
    }

    /// Tells readers something that no step keeps.
    pub(crate) async fn tell(&self, event: Event) -> Result<(), Closed> {
        self.send(Command::Tell(event)).await
    }

    /// Stores a step without waiting for it; what is handed over later comes after it.
    pub(crate) async fn put(&self, step: NewStep) -> Result<(), Closed> {
        let (stored, _) = oneshot::channel();
        self.send(Command::Store(Box::new(step), stored)).await
    }

    /// Stores a step. When it resolves, the transcript has it.
    pub(crate) async fn store(&self, step: NewStep) -> Result<(), Closed> {
        let (stored, wait) = oneshot::channel();
        self.send(Command::Store(Box::new(step), stored)).await?;
        wait.await.map_err(|_| Closed)
    }

    async fn send(&self, command: Command) -> Result<(), Closed> {
        let sent = self.sender.lock().await.send(command).await;
        sent.map_err(|_| Closed)
    }
}

/// The transcript that the journal writes and the loops read.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Transcript>>);

impl Shared {
    pub(crate) fn new(transcript: Transcript) -> Self {
        Self(Arc::new(Mutex::new(transcript)))
    }

    /// Never to be held while waiting for anything.
    pub(crate) fn read(&self) -> MutexGuard<'_, Transcript> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message under way.
struct Open {
    step: Step,
    drafted_at: i64,
}

/// The writer.
pub(crate) struct Journal<'a> {
    pub(crate) record: &'a dyn Record,
    pub(crate) reader: &'a dyn Reader,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) transcript: Shared,
    open: BTreeMap<Uuid, Open>,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(
        record: &'a dyn Record,
        reader: &'a dyn Reader,
        clock: &'a dyn Clock,
        transcript: Shared,
    ) -> Self {
        Self {
            record,
            reader,
            clock,
            transcript,
            open: BTreeMap::new(),
        }
    }

    /// Does what it is handed until nobody is left to hand anything over.
    pub(crate) async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), RunError> {
        while let Some(command) = commands.next().await {
            match command {
                Command::Store(step, stored) => {
                    self.store(*step).await?;
                    // Whoever asked may have been dropped meanwhile.
                    let _ = stored.send(());
                }
                Command::Tell(event) => self.tell(event).await?,
            }
        }
        Ok(())
    }

    /// Stores a step and tells of it.
    pub(crate) async fn store(&mut self, new: NewStep) -> Result<(), RunError> {
        let number = self.transcript.read().next_number();
        let step = Step {
            number,
            at: self.clock.now(),
            agent: new.agent,
            thread: new.thread,
            body: new.body,
        };
        let stored = self.record.store(&step, new.output.as_deref()).await;
        stored.map_err(RunError::Record)?;
        match &step.body {
            Body::Started { message_id, .. } => {
                let open = Open {
                    step: step.clone(),
                    drafted_at: step.at,
                };
                self.open.insert(*message_id, open);
            }
            Body::Answer(answer) => {
                self.open.remove(&answer.message_id);
            }
            _ => {}
        }
        self.transcript.read().push(step.clone());
        self.tell_of(&step).await
    }

    /// Tells of a stored step.
    async fn tell_of(&self, step: &Step) -> Result<(), RunError> {
        let batch = batch_of(&self.transcript.read(), step);
        match batch {
            Some(batch) => Ok(self.reader.tell(batch).await?),
            None => Ok(()),
        }
    }

    async fn tell(&mut self, event: Event) -> Result<(), RunError> {
        if let Kind::MessageDelta { message_id, text } = &event.kind {
            self.draft(message_id, text).await?;
        }
        let batch = Batch {
            step: None,
            events: vec![event],
        };
        Ok(self.reader.tell(batch).await?)
    }

    async fn draft(&mut self, message_id: &Uuid, text: &str) -> Result<(), RunError> {
        let Some(open) = self.open.get_mut(message_id) else {
            return Ok(());
        };
        if let Body::Started { draft, .. } = &mut open.step.body {
            draft.push_str(text);
        }
        let now = self.clock.now();
        let due = i64::try_from(DRAFT_EVERY.as_millis()).unwrap_or(i64::MAX);
        if now.saturating_sub(open.drafted_at) >= due {
            open.drafted_at = now;
            let drafted = self.record.draft(&open.step).await;
            drafted.map_err(RunError::Record)?;
        }
        Ok(())
    }

    /// Puts what was shown of the messages under way into the transcript.
    pub(crate) fn settle(&mut self) {
        let mut transcript = self.transcript.read();
        for (_, open) in std::mem::take(&mut self.open) {
            transcript.replace(open.step);
        }
    }
}

impl From<Gone> for RunError {
    fn from(_: Gone) -> Self {
        Self::ReaderGone
    }
}
