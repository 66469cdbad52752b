//! Has the edge do from time to time what nobody waits for: clear up what is over (counters,
//! codes, logins, bytes without a file), look whether the ComfyUI services are there.

use super::{Edge, obstacle::attempt};
use crate::drain::Drain;
use std::{sync::Arc, time::Duration};

/// What clears up.
pub(crate) const SWEEPS: [&str; 2] = ["/internal/sweep", "/internal/files/sweep"];

/// What looks at ComfyUI services.
pub(crate) const PROBE_SERVICES: &str = "/internal/services/probe";

/// Of how many parts of the period the first wait after a failure is one.
const PARTS: u32 = 60;

/// Asks the edge for `path` about every `period`, and sooner again when it failed; of no length,
/// never. Waits differ by chance, so that several runners do not ask at the same time.
pub(crate) async fn keep_asked(
    edge: Arc<Edge>,
    path: &'static str,
    drain: Drain,
    period: Duration,
) {
    if period.is_zero() {
        return;
    }
    let stopping = drain.stopping();
    let keeping = async {
        tokio::time::sleep(first(period, chance())).await;
        loop {
            until_done(&edge, path, period).await;
            tokio::time::sleep(next(period, chance())).await;
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = keeping => {}
    }
}

async fn until_done(edge: &Edge, path: &'static str, period: Duration) {
    let mut wait = period / PARTS;
    let mut met = None;
    while let Err(obstacle) = attempt(edge, path, met.as_ref()).await {
        met = Some(obstacle);
        tokio::time::sleep(next(wait, chance())).await;
        wait = (wait * 2).min(period);
    }
    tracing::debug!(path, "the edge has done it");
}

/// The wait before the first time: anywhere in the period, but not at once.
fn first(period: Duration, chance: f64) -> Duration {
    let least = period / PARTS;
    least + (period - least).mul_f64(chance)
}

/// A wait of about that length, a tenth more or less.
fn next(wait: Duration, chance: f64) -> Duration {
    wait.mul_f64(0.9 + 0.2 * chance)
}

/// Any number from 0 to 1.
fn chance() -> f64 {
    let (_, random) = uuid::Uuid::now_v7().as_u64_pair();
    // The lower half of it is random.
    let random = u32::try_from(random & u64::from(u32::MAX)).unwrap_or_default();
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_bounds() {
        let hour = Duration::from_secs(3600);
        let check = |wait: Duration, seconds: u64| {
            assert_eq!(wait.as_secs_f64().round(), seconds as f64);
        };
        check(first(hour, 0.0), 60);
        check(first(hour, 1.0), 3600);
        check(next(hour, 0.0), 3240);
        check(next(hour, 1.0), 3960);
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&chance()));
        }
    }
}
