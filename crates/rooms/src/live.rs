//! A room as its readers see it: the newest events, and who is there.
//!
//! Invariant: `head` is the newest event, and every event up to it is in the room's file. The
//! ring holds the newest events without a gap, or none.

use crate::{After, Entry, EventId, Loss, Settings};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::time::Instant;

/// Why a room sends nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The session was deleted.
    Deleted,
    /// The runner stops.
    Stopping,
    /// The reader was too slow; it may come again and name the last event that it got.
    Slow,
    /// The kept events cannot be read; coming again may help.
    Failed,
}

/// Who is in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Readers.
    pub connections: u64,
    /// Different users among them.
    pub users: u64,
}

/// A room as its readers see it.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) head: EventId,
    /// The oldest event that may still be on disk.
    pub(crate) oldest: u64,
    /// Bytes of all events published since the room came into memory.
    pub(crate) written: u64,
    ring: VecDeque<Arc<Entry>>,
    ring_bytes: usize,
    /// Readers of each user.
    users: HashMap<i64, u32>,
    connections: u32,
    /// Whether it is several sessions' and none's own.
    pub(crate) shared: bool,
    pub(crate) closed: Option<Closed>,
    pub(crate) used: Instant,
    /// Whether everything is on disk and no file is open.
    pub(crate) resting: bool,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    pub(crate) after: EventId,
    pub(crate) loss: Option<Loss>,
}

/// What there is after an event.
#[derive(Debug)]
pub(crate) enum Next {
    /// These.
    Events(Vec<Arc<Entry>>),
    /// Nothing yet.
    Nothing,
    /// Something, up to this event, that only the disk has.
    OnDisk(u64),
    /// Nothing ever again.
    Closed(Closed),
}

impl Live {
    pub(crate) fn new(head: EventId, oldest: u64) -> Self {
        Self {
            head,
            oldest,
            written: 0,
            ring: VecDeque::new(),
            ring_bytes: 0,
            users: HashMap::new(),
            connections: 0,
            shared: false,
            closed: None,
            used: Instant::now(),
            resting: false,
        }
    }

    /// Shows events that are in the file now.
    pub(crate) fn show(&mut self, entries: Vec<Arc<Entry>>, oldest: u64, limits: &Settings) {
        self.used = Instant::now();
        self.resting = false;
        self.oldest = oldest;
        for entry in entries {
            self.head = entry.id;
            self.written += entry.size as u64;
            // Who comes later reads the file.
            if self.connections > 0 {
                self.ring_bytes += entry.size;
                self.ring.push_back(entry);
            }
        }
        while self.ring.len() > limits.ring_events
            || (self.ring_bytes > limits.ring_bytes && self.ring.len() > 1)
        {
            let Some(oldest) = self.ring.pop_front() else {
                break;
            };
            self.ring_bytes -= oldest.size;
        }
    }

    /// What there is after event `seq`: at most `most` events of about `bytes`.
    pub(crate) fn after(&self, seq: u64, most: usize, bytes: usize) -> Next {
        if seq >= self.head.seq {
            return self.closed.map_or(Next::Nothing, Next::Closed);
        }
        // A deleted room's history is deleted with it.
        if let Some(Closed::Deleted) = self.closed {
            return Next::Closed(Closed::Deleted);
        }
        let Some(first) = self.ring.front().map(|entry| entry.id.seq) else {
            return Next::OnDisk(self.head.seq);
        };
        let Some(skip) = (seq + 1).checked_sub(first) else {
            return Next::OnDisk(first - 1);
        };
        let mut size = 0;
        let newer = self
            .ring
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX));
        let taken = newer.take(most).take_while(|entry| {
            let fits = size < bytes;
            size += entry.size;
            fits
        });
        Next::Events(taken.cloned().collect())
    }

    /// Where a reader begins who wants to go on after `after`.
    pub(crate) fn begin(&self, after: After) -> Begin {
        let at = |seq| EventId {
            epoch: self.head.epoch,
            seq,
        };
        let start = at(self.oldest.saturating_sub(1));
        let lost = |loss| Begin {
            after: start,
            loss: Some(loss),
        };
        match after {
            After::Now => Begin {
                after: self.head,
                loss: None,
            },
            After::Start if start.seq > 0 => lost(Loss::TooOld),
            After::Start => Begin {
                after: start,
                loss: None,
            },
            After::Event(id) if id.epoch != self.head.epoch || id.seq > self.head.seq => {
                lost(Loss::Unknown)
            }
            After::Event(EventId { seq, .. }) | After::Number(seq) if seq < start.seq => {
                lost(Loss::TooOld)
            }
            After::Number(seq) if seq > self.head.seq => lost(Loss::Unknown),
            After::Number(seq) => Begin {
                after: at(seq),
                loss: None,
            },
            After::Event(id) => Begin {
                after: id,
                loss: None,
            },
            After::Unknown => lost(Loss::Unknown),
        }
    }

    /// Counts a reader in, unless there are `most` already. Says whether it is the first.
    pub(crate) fn join(&mut self, user: i64, most: u32) -> Option<bool> {
        if self.connections >= most {
            return None;
        }
        self.connections += 1;
        *self.users.entry(user).or_default() += 1;
        Some(self.connections == 1)
    }

    /// Counts a reader out. Says whether it was the last.
    pub(crate) fn leave(&mut self, user: i64) -> bool {
        self.connections = self.connections.saturating_sub(1);
        if let Some(count) = self.users.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.users.remove(&user);
            }
        }
        self.used = Instant::now();
        if self.connections == 0 {
            self.ring = VecDeque::new();
            self.ring_bytes = 0;
        }
        self.connections == 0
    }

    pub(crate) fn presence(&self) -> Presence {
        Presence {
            connections: self.connections.into(),
            users: self.users.len() as u64,
        }
    }
}
