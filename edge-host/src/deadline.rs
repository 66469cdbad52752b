//! Stops a guest that computes without end.
//!
//! The engine's epoch advances every [`TICK`]. A guest that is running then yields, and counts
//! one. When its worker comes to rest (nothing to compute, all waiting) or takes another
//! request, the count begins anew, so a stream that waits for hours never reaches the limit and
//! a busy instance that gets its requests done does not either.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};
use wasmtime::{Engine, UpdateDeadline};

/// How often a running guest is asked.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// How long one instance has been computing.
#[derive(Debug, Default)]
pub(crate) struct Running {
    ticks: AtomicU32,
    yielded: AtomicBool,
}

impl Running {
    /// At a tick, while the guest runs.
    pub(crate) fn tick(&self, limit: u32) -> wasmtime::Result<UpdateDeadline> {
        if self.ticks.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(wasmtime::format_err!("the guest computed for too long"));
        }
        self.yielded.store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::Yield(1))
    }

    /// The worker was polled and is pending: because the guest yielded at a tick, or at rest.
    pub(crate) fn polled(&self) {
        if !self.yielded.swap(false, Ordering::Relaxed) {
            self.ticks.store(0, Ordering::Relaxed);
        }
    }

    /// The instance got as far as to take another request.
    pub(crate) fn progressed(&self) {
        self.ticks.store(0, Ordering::Relaxed);
    }
}

/// The ticks in `time`.
pub(crate) fn ticks(time: Duration) -> u32 {
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
