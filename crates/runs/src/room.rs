//! What the room is told of a run.
//!
//! A session of `workspace`, `runtime` or `codex` has a room of its own. All sessions of a user of
//! `studio` share one, that of the user: there every event says whose it is, and what has no place
//! in `studio` is left out.

use crate::{Toolbox, tokens::Tokens};
use agent::Kind;
use domain::{
    Error, Event, SessionKind,
    event::{MessageRow, OfSession, RunOutcome, TurnRow},
};
use ports::Platform;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::{executions, messages, runs::StoredRun, workflows};
use uuid::Uuid;

/// An event of `run` as the room of a session of that kind may be told of it by whoever executes the
/// run; nothing where it is not. Of files the room hears from the runner's watch, at once also of
/// those that a tool writes.
#[must_use]
pub fn for_room(kind: SessionKind, event: &agent::Event, run: Uuid) -> Option<Event> {
    if matches!(event.kind, Kind::FileChange { .. }) {
        return None;
    }
    let event = event.to_domain(run)?;
    match kind {
        SessionKind::Studio | SessionKind::Codex => Some(event),
        // Their readers get what their documents have.
        _ => Some(event).filter(Event::is_common),
    }
}

/// The room of a run.
pub(super) struct Room {
    platform: Platform,
    run: StoredRun,
    toolbox: Arc<dyn Toolbox>,
    tokens: Tokens,
    /// The messages that are being written.
    begun: Mutex<BTreeMap<Uuid, MessageRow>>,
}

impl Room {
    pub(super) fn of(
        platform: &Platform,
        run: &StoredRun,
        toolbox: Arc<dyn Toolbox>,
        tokens: Tokens,
    ) -> Self {
        Self {
            platform: platform.clone(),
            run: run.clone(),
            toolbox,
            tokens,
            begun: Mutex::default(),
        }
    }

    /// The run whose room it is.
    pub(super) fn run_id(&self) -> Uuid {
        self.run.uuid
    }

    /// What the room is told of these events.
    pub(super) async fn told(&self, events: &[agent::Event]) -> Vec<Event> {
        let kind = self.run.session_kind;
        let mut told = Vec::new();
        for happened in events {
            let Some(event) = for_room(kind, happened, self.run.uuid) else {
                continue;
            };
            match kind {
                SessionKind::Studio => told.extend(self.of_session(event).await),
                SessionKind::Codex => told.push(self.of_turn(event, happened.agent.as_deref())),
                _ => told.push(event),
            }
        }
        let begins = |happened: &agent::Event| matches!(happened.kind, Kind::RunStarted { .. });
        if kind == SessionKind::Codex && events.iter().any(begins) {
            // Behind what is always told: of a step that was told in part, the rest is told.
            let warnings = self.toolbox.warnings().iter().cloned();
            told.extend(warnings.map(Event::Warning));
        }
        told
    }

    /// The event as the room of a coding session has it.
    fn of_turn(&self, mut event: Event, agent: Option<&str>) -> Event {
        if let Event::Usage(usage) = &mut event {
            self.tokens.count(agent, usage);
        }
        self.toolbox.shown(event)
    }

    /// The event as the room of the session's user has it.
    async fn of_session(&self, event: Event) -> Option<Event> {
        let message = match &event {
            Event::Message(message) => Some(self.row(message.message_id, message.last).await?),
            Event::ExecutionProgress(_) | Event::RunEnded(_) => None,
            Event::WorkflowLocked(_) | Event::WorkflowUnlocked(_) => return Some(event),
            _ => return None,
        };
        let turn = match &event {
            Event::RunEnded(ended) if ended.outcome == RunOutcome::Cancelled => {
                Some(self.turn().await.unwrap_or_else(|error| {
                    eprintln!("run {}: its numbers are not told: {error}", self.run.uuid);
                    TurnRow::default()
                }))
            }
            _ => None,
        };
        Some(Event::OfSession(OfSession {
            session_id: self.run.session.0,
            message,
            turn,
            event: Box::new(event),
        }))
    }

    /// The turn, by its numbers.
    async fn turn(&self) -> Result<TurnRow, Error> {
        let sql = &*self.platform.sql;
        let workflow = workflows::of_session(sql, self.run.session).await?;
        Ok(TurnRow {
            execution_id: executions::number(sql, self.run.uuid).await?,
            workflow_id: workflow.map(|(id, _)| id.0),
        })
    }

    /// The row of a message: of one that is being written, as it was begun.
    async fn row(&self, message: Uuid, is_done: bool) -> Option<MessageRow> {
        if !is_done && let Some(row) = self.begun().get(&message) {
            return Some(row.clone());
        }
        let found = messages::row(&*self.platform.sql, message).await;
        let row = found.unwrap_or_else(|error| {
            eprintln!("run {}: a message is not told of: {error}", self.run.uuid);
            None
        })?;
        let row = MessageRow {
            id: row.id.0,
            created_at: row.created_at.0,
            status: row.status.as_str().to_owned(),
        };
        match is_done {
            true => self.begun().remove(&message),
            false => self.begun().insert(message, row.clone()),
        };
        Some(row)
    }

    fn begun(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, MessageRow>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
