//! Limits of rooms.

use std::time::Duration;

/// Limits of rooms.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest event, in bytes as it is stored.
    pub event: usize,
    /// The most bytes of one publication.
    pub publication: usize,
    /// The newest events that an occupied room keeps in memory.
    pub ring_events: usize,
    /// The most bytes of them. The newest event stays, whatever its size.
    pub ring_bytes: usize,
    /// How many events a reader who was up to date may fall behind.
    pub lag_events: u64,
    /// How many bytes a reader who was up to date may fall behind.
    pub lag_bytes: u64,
    /// How large a file of a room grows before the next is begun, in bytes.
    pub segment: u64,
    /// How much a room keeps on disk, in bytes. The file being written may exceed it.
    pub disk: u64,
    /// How long an event is kept on disk at least, if there is room.
    pub age: Duration,
    /// How long a room that nobody uses stays in memory.
    pub idle: Duration,
    /// Rooms in memory at a time.
    pub rooms: usize,
    /// Readers of one room at a time.
    pub readers_per_room: u32,
    /// Readers of one user at a time, in all rooms.
    pub readers_per_user: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            event: 2 * 1024 * 1024,
            publication: 8 * 1024 * 1024,
            ring_events: 512,
            ring_bytes: 512 * 1024,
            lag_events: 4096,
            lag_bytes: 8 * 1024 * 1024,
            segment: 1024 * 1024,
            disk: 8 * 1024 * 1024,
            age: Duration::from_secs(24 * 3600),
            idle: Duration::from_secs(60),
            rooms: 16_384,
            readers_per_room: 256,
            readers_per_user: 128,
        }
    }
}
