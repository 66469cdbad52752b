//! One reader of a room.

use crate::{
    Closed, Entry, EventId,
    live::{Begin, Next},
    log::{Replay, Replayed},
    readers::Readers,
    room::Room,
};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// The most events handed over at a time.
const EVENTS: usize = 64;

/// About how many bytes are handed over at a time.
const BYTES: usize = 64 * 1024;

/// What a reader gets next.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// The next events, at least one.
    Events(Vec<Arc<Entry>>),
    /// Events between the one that the reader named and what follows are lost, or may be.
    Lost {
        /// Why.
        loss: Loss,
        /// What the reader may name from now on: the number before that of the next event.
        after: EventId,
    },
    /// Nothing more comes.
    Closed(Closed),
}

/// Why a reader does not get what it named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is not kept any more.
    TooOld,
    /// It is from a history that is gone, or never was an event.
    Unknown,
}

/// A reader: first what is kept after the event that it named, then what happens. It has no
/// queue, only a place in the room's history; one who was up to date and falls too far behind
/// is cut off.
#[derive(Debug)]
pub struct Subscription {
    room: Arc<Room>,
    readers: Arc<Readers>,
    user: i64,
    after: EventId,
    loss: Option<Loss>,
    replay: Option<Box<Replay>>,
    /// The room's written bytes that this reader has, since it was up to date; nothing before.
    taken: Option<u64>,
}

impl Subscription {
    pub(crate) fn new(room: Arc<Room>, readers: Arc<Readers>, user: i64, begin: Begin) -> Self {
        Self {
            room,
            readers,
            user,
            after: begin.after,
            loss: begin.loss,
            replay: None,
            taken: None,
        }
    }

    /// The last event that was handed over, or the one before the first that will be.
    #[must_use]
    pub fn after(&self) -> EventId {
        self.after
    }

    /// The number of the room's newest event, 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.room.live().head.seq
    }

    /// Waits for what comes next. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Delivery {
        if let Some(loss) = self.loss.take() {
            self.room.counters.lost.fetch_add(1, Relaxed);
            let after = self.after;
            return Delivery::Lost { loss, after };
        }
        let room = self.room.clone();
        loop {
            let mut news = std::pin::pin!(room.news.notified());
            news.as_mut().enable();
            match self.look() {
                Next::Events(events) => return self.hand_over(events),
                Next::Nothing => news.await,
                Next::OnDisk(last) => return self.read(last).await,
                Next::Closed(why) => return self.end(why),
            }
        }
    }

    /// Resolves when this reader is cut off although it takes nothing: it fell too far behind, or
    /// the room is closed. For whoever is stuck handing over what it got.
    pub async fn overrun(&self) -> Closed {
        loop {
            let mut news = std::pin::pin!(self.room.news.notified());
            news.as_mut().enable();
            let (closed, slow) = {
                let live = self.room.live();
                (live.closed, self.is_slow(live.head.seq, live.written))
            };
            if let Some(why) = closed {
                return why;
            }
            if slow {
                self.room.counters.slow.fetch_add(1, Relaxed);
                return Closed::Slow;
            }
            news.await;
        }
    }

    fn look(&mut self) -> Next {
        let live = self.room.live();
        let next = live.after(self.after.seq, EVENTS, BYTES);
        if let Next::Nothing = next {
            self.taken = Some(live.written);
            self.replay = None;
            return next;
        }
        if let Next::Closed(_) = next {
            return next;
        }
        if self.is_slow(live.head.seq, live.written) {
            return Next::Closed(Closed::Slow);
        }
        next
    }

    fn is_slow(&self, head: u64, written: u64) -> bool {
        let limits = &self.room.settings;
        self.taken.is_some_and(|taken| {
            head.saturating_sub(self.after.seq) > limits.lag_events
                || written.saturating_sub(taken) > limits.lag_bytes
        })
    }

    fn hand_over(&mut self, events: Vec<Arc<Entry>>) -> Delivery {
        if let Some(last) = events.last() {
            self.after = last.id;
        }
        if let Some(taken) = &mut self.taken {
            *taken += events.iter().map(|entry| entry.size as u64).sum::<u64>();
        }
        let counters = &self.room.counters;
        counters.delivered.fetch_add(events.len() as u64, Relaxed);
        Delivery::Events(events)
    }

    /// Reads events up to `last` from the disk.
    async fn read(&mut self, last: u64) -> Delivery {
        let replay = self
            .replay
            .take()
            .filter(|one| one.next() == self.after.seq + 1);
        let mut replay = replay.unwrap_or_else(|| {
            let folder = self.room.folder().to_owned();
            Box::new(Replay::new(folder, self.room.session, self.after))
        });
        let reading = tokio::task::spawn_blocking(move || {
            let read = replay.read(last, BYTES);
            (read, replay)
        });
        let (read, replay) = match reading.await {
            Ok((read, replay)) => (read, replay),
            Err(error) => return self.broken(&error.to_string()),
        };
        match read {
            Ok(Replayed::Events(events)) if !events.is_empty() => {
                self.replay = Some(replay);
                let count = events.len() as u64;
                self.room.counters.replayed.fetch_add(count, Relaxed);
                self.hand_over(events)
            }
            // It was removed to make room before this reader came to it, or with the room.
            Ok(_) => match self.room.live().closed {
                Some(why) => self.end(why),
                None => self.end(Closed::Slow),
            },
            Err(error) => self.broken(&error.to_string()),
        }
    }

    fn broken(&self, error: &str) -> Delivery {
        tracing::error!(session = %self.room.session, error, "kept events cannot be read");
        self.end(Closed::Failed)
    }

    fn end(&self, why: Closed) -> Delivery {
        if why == Closed::Slow {
            self.room.counters.slow.fetch_add(1, Relaxed);
        }
        Delivery::Closed(why)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let last = self.room.live().leave(self.user);
        self.readers.left(self.user);
        if last {
            self.readers.occupancy_changed(self.room.session);
        }
    }
}
