//! Looks after the lease of an execution, and after whether somebody wants it stopped.

use futures::channel::oneshot;
use ports::Platform;
use std::time::Duration;
use store::runs::{self, Lease};

/// How long an execution is held without renewal, in milliseconds.
pub(super) const LEASE_MS: i64 = 15_000;

/// How often it is looked whether the run is to be stopped.
const LOOK: Duration = Duration::from_millis(500);

/// How many looks there are from one renewal to the next.
const LOOKS: u32 = 8;

/// Returns when the lease is lost: somebody else executes the run, or it is gone. `stop` is told
/// when somebody wants the run stopped, at once where somebody did before (`is_to_stop`).
pub(super) async fn until_lost(
    platform: &Platform,
    lease: &Lease,
    is_to_stop: bool,
    stop: oneshot::Sender<()>,
) {
    let sql = &*platform.sql;
    let mut stop = Some(stop);
    if is_to_stop {
        tell(&mut stop);
    }
    let mut until = platform.clock.now() + LEASE_MS;
    for number in 0_u32.. {
        platform.clock.sleep(LOOK).await;
        let next = platform.clock.now() + LEASE_MS;
        let looked = match number % LOOKS == LOOKS - 1 {
            true => runs::renew(sql, lease, next)
                .await
                .inspect(|_| until = next),
            false => runs::look(sql, lease).await,
        };
        match looked {
            Ok(None) => return,
            Ok(Some(true)) => tell(&mut stop),
            Ok(Some(false)) => {}
            // The next look tries again, as long as nobody else can have taken the run.
            Err(error) => eprintln!("run {}: not looked after: {error}", lease.run.0),
        }
        if platform.clock.now() >= until {
            return;
        }
    }
}

fn tell(stop: &mut Option<oneshot::Sender<()>>) {
    if let Some(stop) = stop.take() {
        // The run may be ending just now.
        let _ = stop.send(());
    }
}
