//! Rooms: the events of a session.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/rooms/{session}/events` with [`Publish`] | 200 [`Published`] |
//! | `GET /v1/rooms/{session}` | 200 [`Presence`]; with `?newest=true` and [`newest`](Presence::newest) |

use domain::Event;
use serde::{Deserialize, Serialize};

/// Puts events into a room, in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publish {
    /// At most 256.
    pub events: Vec<Event>,
}

/// The answer to [`Publish`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// `epoch:seq` of each event.
    pub ids: Vec<String>,
}

/// Who is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Sockets and streams.
    pub connections: u64,
    /// Different users.
    pub users: u64,
    /// The number of the newest event, 0 before the first, where it was asked for: it is not given
    /// again, so the room's numbers are kept from then on until the session is deleted. Unknown
    /// where the room cannot be read.
    #[serde(default)]
    pub newest: Option<u64>,
}
