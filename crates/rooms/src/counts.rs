//! What rooms count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What happened in the rooms since the start, and how they are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rooms in memory.
    pub rooms: u64,
    /// Readers.
    pub readers: u64,
    /// Events published.
    pub published: u64,
    /// Events handed to readers, once for each.
    pub delivered: u64,
    /// Those of them that came from disk.
    pub replayed: u64,
    /// Readers who were told that history is lost.
    pub lost: u64,
    /// Readers who were cut off because they were too slow.
    pub slow: u64,
    /// Publications that failed.
    pub failed: u64,
}

/// The counters behind [`Counts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) readers: AtomicU64,
    pub(crate) published: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) replayed: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) slow: AtomicU64,
    pub(crate) failed: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self, rooms: usize) -> Counts {
        Counts {
            rooms: rooms as u64,
            readers: self.readers.load(Relaxed),
            published: self.published.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            lost: self.lost.load(Relaxed),
            slow: self.slow.load(Relaxed),
            failed: self.failed.load(Relaxed),
        }
    }
}
