//! Runs: each is driven to its end, whoever reads and whoever dies meanwhile.
//!
//! | module | what it is |
//! |---|---|
//! | [`Runs`] | which runs are driven, and who is told |
//! | `driver` | one run: asks the edge to execute it, again and again until it has ended |
//! | `execution` | one answer of the edge, line by line |
//! | `listeners` | whoever asked, and hears what happens |
//! | `recovery` | runs that nobody drives: at the start, and now and then |
//!
//! Invariants: a run has one driver here. Its events are in the session's room before anybody who
//! asked is told of them. The edge says when a run has ended; nothing else ends it.

mod driver;
mod execution;
mod listeners;
mod recovery;
mod settings;

pub(crate) use recovery::keep_driven;
pub use settings::Settings;

use crate::{
    drain::Drain,
    edge::Edge,
    metrics::Metrics,
    places::{self, Places},
};
use bytes::Bytes;
use listeners::Listeners;
use rooms::Rooms;
use runner_api::runs::{Drive, Hearing, Passed};
use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, Semaphore, broadcast};
use uuid::Uuid;

/// How often those who listen hear that a run which waits is not forgotten.
const BEAT: Duration = Duration::from_secs(1);

/// The runs that are driven. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    edge: Arc<Edge>,
    rooms: Rooms,
    metrics: Arc<Metrics>,
    drain: Drain,
    settings: Settings,
    /// How many are executed at once.
    places: Semaphore,
    /// How many of them are each user's; told when one is given back.
    shares: Arc<Places<i64>>,
    given_back: Notify,
    /// How many each user has of those that are driven.
    waiting: Arc<Places<i64>>,
    driven: Mutex<HashMap<Uuid, Listeners>>,
}

/// Too many runs wait for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// Of all users together.
    #[error("too many runs are waiting")]
    OfAll,
    /// Of the one whose run it is.
    #[error("too many runs of the user are waiting")]
    OfUser,
}

impl Runs {
    pub(crate) fn new(
        settings: Settings,
        edge: Arc<Edge>,
        rooms: Rooms,
        metrics: Arc<Metrics>,
        drain: Drain,
    ) -> Self {
        let waiting_of_user = settings.waiting_of_user.max(settings.of_user);
        Self {
            inner: Arc::new(Inner {
                places: Semaphore::new(settings.at_once),
                shares: Places::new(settings.of_user, usize::MAX),
                given_back: Notify::new(),
                waiting: Places::new(waiting_of_user, usize::MAX),
                edge,
                rooms,
                metrics,
                drain,
                settings,
                driven: Mutex::default(),
            }),
        }
    }

    /// Sees to it that a run is driven, and returns what is to be heard of it from now on: a
    /// [`Passed`] in each line.
    pub(crate) fn drive(
        &self,
        drive: Drive,
        hearing: Option<Hearing>,
    ) -> Result<Option<broadcast::Receiver<Bytes>>, Full> {
        let mut driven = self.driven();
        if let Some(listeners) = driven.get(&drive.run) {
            return Ok(hearing.map(|hearing| listeners.hear(hearing)));
        }
        if driven.len() >= self.inner.settings.waiting {
            return Err(Full::OfAll);
        }
        let of_user = self.inner.waiting.take(drive.user).ok_or(Full::OfUser)?;
        let listeners = Listeners::new();
        let receiver = hearing.map(|hearing| listeners.hear(hearing));
        driven.insert(drive.run, listeners.clone());
        drop(driven);
        let place = Place {
            runs: self.clone(),
            run: drive.run,
            _of_user: of_user,
        };
        self.inner.drain.spawn(async move {
            place.runs.inner.drive_to_its_end(drive, &listeners).await;
        });
        Ok(receiver)
    }

    /// How many runs are driven, those that wait included.
    pub(crate) fn count(&self) -> u64 {
        self.driven().len() as u64
    }

    fn driven(&self) -> MutexGuard<'_, HashMap<Uuid, Listeners>> {
        let driven = self.inner.driven.lock();
        driven.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's place among those that are driven, also when its task is dropped.
struct Place {
    runs: Runs,
    run: Uuid,
    _of_user: places::Place<i64>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.runs.driven().remove(&self.run);
    }
}

impl Inner {
    /// One of the places that a user may have, when there is one.
    async fn share(&self, user: i64) -> places::Place<i64> {
        loop {
            let given_back = self.given_back.notified();
            if let Some(share) = self.shares.take(user) {
                return share;
            }
            given_back.await;
        }
    }

    async fn drive_to_its_end(&self, drive: Drive, listeners: &Listeners) {
        let stopping = self.drain.stopping();
        let driving = async {
            let share = beating(listeners, self.share(drive.user)).await;
            // The semaphore is never closed.
            let place = beating(listeners, self.places.acquire()).await;
            let began = std::time::Instant::now();
            let ending = driver::drive(self, drive, listeners).await;
            drop((share, place));
            self.given_back.notify_waiters();
            if let Some(ending) = &ending {
                self.metrics.run_ended(&ending.outcome, began.elapsed());
            }
            ending
        };
        let ending = tokio::select! {
            () = stopping.cancelled() => return,
            ending = driving => ending,
        };
        if let Some(ending) = ending {
            let last = Passed {
                end: Some(ending),
                ..Passed::default()
            };
            listeners.sign(&last);
        }
    }
}

/// Waits for something, and tells those who listen every second that they are not forgotten.
async fn beating<T>(listeners: &Listeners, waited_for: impl Future<Output = T>) -> T {
    let mut waited_for = pin!(waited_for);
    loop {
        match tokio::time::timeout(BEAT, &mut waited_for).await {
            Ok(done) => return done,
            Err(_) => listeners.beat(),
        }
    }
}
