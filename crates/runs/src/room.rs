//! What the room is told of a run.
//!
//! A session of `workspace`, `runtime` or `codex` has a room of its own. All sessions of a user of
//! `studio` share one, that of the user: there every event says whose it is, and what has no place
//! in `studio` is left out.

use crate::Toolbox;
use agent::Kind;
use domain::{
    Event, SessionKind,
    event::{MessageRow, OfSession},
};
use ports::Platform;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::{messages, runs::StoredRun};
use uuid::Uuid;

/// The room of a run.
pub(super) struct Room {
    platform: Platform,
    run: StoredRun,
    toolbox: Arc<dyn Toolbox>,
    /// The messages that are being written.
    begun: Mutex<BTreeMap<Uuid, MessageRow>>,
}

impl Room {
    pub(super) fn of(platform: &Platform, run: &StoredRun, toolbox: Arc<dyn Toolbox>) -> Self {
        Self {
            platform: platform.clone(),
            run: run.clone(),
            toolbox,
            begun: Mutex::default(),
        }
    }

    /// What the room is told of these events.
    pub(super) async fn told(&self, events: &[agent::Event]) -> Vec<Event> {
        let mut told = Vec::new();
        for event in events {
            // The runner's watch tells of files, and of what tools write at once.
            if matches!(event.kind, Kind::FileChange { .. }) {
                continue;
            }
            let Some(event) = event.to_domain(self.run.uuid) else {
                continue;
            };
            match self.run.session_kind {
                SessionKind::Studio => told.extend(self.of_session(event).await),
                SessionKind::Codex => told.push(self.toolbox.shown(event)),
                // Their readers get what their documents have.
                _ => told.extend(Some(event).filter(Event::is_common)),
            }
        }
        told
    }

    /// The event as the room of the session's user has it.
    async fn of_session(&self, event: Event) -> Option<Event> {
        let message = match &event {
            Event::Message(message) => Some(self.row(message.message_id, message.last).await?),
            Event::ExecutionProgress(_) | Event::RunEnded(_) => None,
            Event::WorkflowLocked(_) | Event::WorkflowUnlocked(_) => return Some(event),
            _ => return None,
        };
        Some(Event::OfSession(OfSession {
            session_id: self.run.session.0,
            message,
            event: Box::new(event),
        }))
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
