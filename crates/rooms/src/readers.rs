//! The readers of all rooms: how many each user has, and when a room gets its first or loses its
//! last.

use crate::counts::Counters;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
};
use tokio::sync::broadcast;
use uuid::Uuid;

/// How many changes of occupancy are kept for whoever watches them.
const OCCUPANCY: usize = 1024;

/// The readers of all rooms, and whoever watches which rooms have some.
#[derive(Debug)]
pub(crate) struct Readers {
    users: Mutex<HashMap<i64, u32>>,
    occupancy: broadcast::Sender<Uuid>,
    counters: Arc<Counters>,
}

impl Readers {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            users: Mutex::default(),
            occupancy: broadcast::Sender::new(OCCUPANCY),
            counters,
        }
    }

    /// Tells the sessions whose first reader comes or whose last one leaves.
    pub(crate) fn occupancy(&self) -> broadcast::Receiver<Uuid> {
        self.occupancy.subscribe()
    }

    /// Counts a reader of `user` in, unless there are `most` already.
    pub(crate) fn entered(&self, user: i64, most: u32) -> bool {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let count = users.entry(user).or_default();
        if *count >= most {
            return false;
        }
        *count += 1;
        self.counters.readers.fetch_add(1, Relaxed);
        true
    }

    /// Counts one out.
    pub(crate) fn left(&self, user: i64) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = users.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                users.remove(&user);
            }
        }
        self.counters.readers.fetch_sub(1, Relaxed);
    }

    pub(crate) fn occupancy_changed(&self, session: Uuid) {
        // Nobody need watch.
        let _ = self.occupancy.send(session);
    }
}
