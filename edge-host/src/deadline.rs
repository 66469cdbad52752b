//! Guests that compute for long: they take turns, and one that does so without end is stopped.
//!
//! The engine's epoch advances every [`TICK`]. A guest that is running then counts one, and from
//! the second on it yields. When its worker comes to rest (nothing to compute, all waiting) the count begins anew,
//! so a stream that waits for hours never reaches the limit.
//!
//! A guest that has been at it for more than a tick goes on only when it is its turn: [`Computing`] lets
//! as many compute as there are processors, less one. So however many passwords are being hashed,
//! short requests find a thread that is free within two ticks.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Engine, UpdateDeadline};

/// How often a running guest is asked.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Ticks after which a computing guest lets the next one have its turn.
const TURN: u32 = 5;

/// Whose turn it is among guests that compute for long. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Computing(Arc<Semaphore>);

impl Computing {
    /// One processor is left to everybody else, where there are several.
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new((processors - 1).max(1))))
    }
}

/// How long one instance has been computing.
pub(crate) struct Running {
    computing: Computing,
    limit: u32,
    ticks: AtomicU32,
    /// It yielded at a tick and does not run yet.
    amid: AtomicBool,
    turn: Mutex<Option<OwnedSemaphorePermit>>,
    announce: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Why a worker that was polled is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// Its guest yielded at a tick and wants to go on.
    Amid,
    /// Nothing to compute, all waiting.
    AtRest,
}

impl Running {
    /// Nothing has been computed yet, and no more than `longest` may be.
    pub(crate) fn new(computing: &Computing, longest: Duration) -> Self {
        Self {
            computing: computing.clone(),
            limit: ticks(longest),
            ticks: AtomicU32::new(0),
            amid: AtomicBool::new(false),
            turn: Mutex::new(None),
            announce: OnceLock::new(),
        }
    }

    /// Says what is called when the guest turns out to compute for longer than a tick.
    pub(crate) fn announce_by(&self, announce: impl Fn() + Send + Sync + 'static) {
        let _once = self.announce.set(Box::new(announce));
        // Being made was no computation of the guest's.
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// At a tick, while the guest runs.
    pub(crate) fn tick(self: &Arc<Self>) -> wasmtime::Result<UpdateDeadline> {
        let before = self.ticks.fetch_add(1, Ordering::Relaxed);
        if before >= self.limit {
            return Err(wasmtime::format_err!("the guest computed for too long"));
        }
        if before == 0 {
            // Also a short computation may be running at a tick.
            return Ok(UpdateDeadline::Continue(1));
        }
        if before == 1
            && let Some(announce) = self.announce.get()
        {
            announce();
        }
        let next_turn = before % TURN == 1;
        if next_turn {
            self.set_turn(None);
        }
        self.amid.store(true, Ordering::Relaxed);
        let running = Arc::clone(self);
        let next = async move {
            if next_turn {
                let turn = Arc::clone(&running.computing.0).acquire_owned().await;
                running.set_turn(turn.ok());
            } else {
                tokio::task::yield_now().await;
            }
            running.amid.store(false, Ordering::Relaxed);
        };
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(next)))
    }

    /// The worker was polled and is pending.
    pub(crate) fn polled(&self) -> Polled {
        if self.amid.load(Ordering::Relaxed) {
            return Polled::Amid;
        }
        if self.ticks.swap(0, Ordering::Relaxed) > 0 {
            self.set_turn(None);
        }
        Polled::AtRest
    }

    fn set_turn(&self, turn: Option<OwnedSemaphorePermit>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }
}

/// The ticks in `time`.
fn ticks(time: Duration) -> u32 {
    let ticks = time.as_millis().div_ceil(TICK.as_millis());
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Advances the engine's epoch until the engine is gone.
pub(crate) fn start_ticking(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                #[allow(clippy::disallowed_methods, reason = "the thread is the ticker's own")]
                std::thread::sleep(TICK);
            }
        })
        .map(drop)
}
