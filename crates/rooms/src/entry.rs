//! An event with its number, rendered once for all who read it.

use crate::{EventId, told::Told};
use bytes::Bytes;
use domain::{Event, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use uuid::Uuid;

/// A way to write events down. Each is written once an event, and its bytes are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A frame of `workspace`, as a socket carries it.
    WorkspaceFrame,
    /// The same as a server-sent event.
    WorkspaceStream,
    /// A frame of `codex`.
    CodexFrame,
    /// A frame of `studio`; empty where it has none.
    StudioFrame,
}

/// How many ways there are.
const VIEWS: usize = 4;

/// An event of a room.
#[derive(Debug)]
pub struct Entry {
    /// Its number.
    pub id: EventId,
    /// Whose room it is.
    pub session: Uuid,
    /// When it was published.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// How large it is on disk, in bytes.
    pub(crate) size: usize,
    views: [OnceLock<Bytes>; VIEWS],
}

impl Entry {
    pub(crate) fn new(
        id: EventId,
        session: Uuid,
        at: Timestamp,
        event: Event,
        size: usize,
    ) -> Self {
        Self {
            id,
            session,
            at,
            event,
            size,
            views: Default::default(),
        }
    }

    /// The event as `view` writes it: by `render` the first time, the same bytes ever after.
    pub fn view(&self, view: View, render: impl FnOnce(&Self) -> Bytes) -> Bytes {
        match self.views.get(view as usize) {
            Some(rendered) => rendered.get_or_init(|| render(self)).clone(),
            None => render(self),
        }
    }
}

/// An event as it is stored; its number is that of its place.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored<E> {
    pub(crate) seq: u64,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) event: E,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) told: Option<Told>,
}
