//! Runs: each is driven to its end, whoever reads and whoever dies meanwhile.
//!
//! | module | what it is |
//! |---|---|
//! | [`Runs`] | which runs are driven, and who is told |
//! | `driver` | one run: asks the edge to execute it, again and again until it has ended |
//! | `execution` | one answer of the edge, line by line |
//! | `recovery` | runs that nobody drives: at the start, and now and then |
//!
//! Invariants: a run has one driver here. Its events are in the session's room before anybody who
//! asked is told of them. The edge says when a run has ended; nothing else ends it.

mod driver;
mod execution;
mod recovery;
mod settings;

pub(crate) use recovery::keep_driven;
pub use settings::Settings;

use crate::{drain::Drain, edge::Edge, metrics::Metrics};
use bytes::Bytes;
use rooms::Rooms;
use runner_api::runs::{Drive, Passed};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Semaphore, broadcast};
use uuid::Uuid;

/// How many lines wait for somebody who asked. Whoever is slower is told no more, and reads the
/// end in the database.
const WAITING: usize = 512;

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
    driven: Mutex<HashMap<Uuid, broadcast::Sender<Bytes>>>,
}

/// Too many runs wait for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many runs are waiting")]
pub(crate) struct Full;

impl Runs {
    pub(crate) fn new(
        settings: Settings,
        edge: Arc<Edge>,
        rooms: Rooms,
        metrics: Arc<Metrics>,
        drain: Drain,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                places: Semaphore::new(settings.at_once),
                edge,
                rooms,
                metrics,
                drain,
                settings,
                driven: Mutex::default(),
            }),
        }
    }

    /// Sees to it that a run is driven, and returns its lines from now on: a [`Passed`] each.
    pub(crate) fn drive(&self, drive: Drive) -> Result<broadcast::Receiver<Bytes>, Full> {
        let mut driven = self.driven();
        if let Some(lines) = driven.get(&drive.run) {
            return Ok(lines.subscribe());
        }
        if driven.len() >= self.inner.settings.waiting {
            return Err(Full);
        }
        let (lines, receiver) = broadcast::channel(WAITING);
        driven.insert(drive.run, lines.clone());
        drop(driven);
        let place = Place {
            runs: self.clone(),
            run: drive.run,
        };
        self.inner.drain.spawn(async move {
            place.runs.inner.drive_to_its_end(drive, &lines).await;
        });
        Ok(receiver)
    }

    /// How many runs are driven, those that wait included.
    pub(crate) fn count(&self) -> u64 {
        self.driven().len() as u64
    }

    fn driven(&self) -> MutexGuard<'_, HashMap<Uuid, broadcast::Sender<Bytes>>> {
        let driven = self.inner.driven.lock();
        driven.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's place among those that are driven, also when its task is dropped.
struct Place {
    runs: Runs,
    run: Uuid,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.runs.driven().remove(&self.run);
    }
}

impl Inner {
    async fn drive_to_its_end(&self, drive: Drive, lines: &broadcast::Sender<Bytes>) {
        let stopping = self.drain.stopping();
        let driving = async {
            // The semaphore is never closed.
            let _place = self.places.acquire().await;
            let began = std::time::Instant::now();
            let ending = driver::drive(self, drive, lines).await;
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
            // Whoever asked may have left.
            let _ = lines.send(line(&last));
        }
    }
}

fn line(passed: &Passed) -> Bytes {
    // Text and numbers: writing it cannot fail.
    let mut line = serde_json::to_vec(passed).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
