//! Why nothing was published, or nobody let in.

use crate::Closed;
use std::io;

/// Why events were not published. None of them was shown.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// An event, or all together, are too large.
    #[error("{size} bytes are more than the {most} that are allowed")]
    TooLarge {
        /// How large, in bytes.
        size: usize,
        /// How large it may be.
        most: usize,
    },
    /// The session is being deleted.
    #[error("the session is deleted")]
    Deleted,
    /// The runner stops.
    #[error("the runner stops")]
    Stopping,
    /// There are too many rooms in memory.
    #[error("too many rooms are in use")]
    Full,
    /// They could not be written to the disk.
    #[error("events cannot be written")]
    Disk(#[from] io::Error),
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The room has too many readers.
    #[error("too many readers are in this room")]
    RoomFull,
    /// The user has too many readers.
    #[error("this user has too many readers")]
    UserFull,
    /// There are too many rooms in memory.
    #[error("too many rooms are in use")]
    Full,
    /// The runner stops, or the session is being deleted.
    #[error("the room is closed")]
    Closed(Closed),
    /// The room's file cannot be read or made.
    #[error("the room cannot be opened")]
    Disk(#[from] io::Error),
}

/// Why a room is not to be had.
#[derive(Debug)]
pub(crate) enum RoomError {
    Full,
    Stopping,
    Disk(io::Error),
}

impl From<RoomError> for PublishError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Full => Self::Full,
            RoomError::Stopping => Self::Stopping,
            RoomError::Disk(error) => Self::Disk(error),
        }
    }
}

impl From<RoomError> for SubscribeError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Full => Self::Full,
            RoomError::Stopping => Self::Closed(Closed::Stopping),
            RoomError::Disk(error) => Self::Disk(error),
        }
    }
}
