//! Opening, sweeping and closing the runner's rooms.

use crate::{config::Config, drain::Drain};
use rooms::{OpenError, Rooms};
use std::{error::Error as StdError, io, time::Duration};
use tokio::time::MissedTickBehavior;

/// Where rooms are kept in the state folder.
const FOLDER: &str = "rooms";

/// Takes the rooms of the state folder.
pub(crate) async fn open(config: &Config) -> Result<Rooms, OpenError> {
    let folder = config.state.join(FOLDER);
    let settings = config.rooms.clone();
    let opening = {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || Rooms::open(&folder, settings))
    };
    opening.await.unwrap_or_else(|error| {
        let source = io::Error::from(error);
        Err(OpenError::Folder { folder, source })
    })
}

/// How many sweeps there are from one look for old rooms to the next.
const LOOK: u64 = 120;

/// Sweeps rooms every `period`.
pub(crate) async fn keep_swept(rooms: Rooms, drain: Drain, period: Duration) {
    let stopping = drain.stopping();
    let mut beat = tokio::time::interval(period);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    for number in 0_u64.. {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = beat.tick() => {}
        }
        let mut swept = rooms.sweep().await;
        if number.is_multiple_of(LOOK) {
            swept = rooms.forget_old().await.and(swept);
        }
        if let (Err(error), false) = (&swept, failing) {
            let error = error as &dyn StdError;
            tracing::error!(error, "rooms cannot be swept");
        }
        failing = swept.is_err();
    }
}

/// Brings everything to the disk.
pub(crate) async fn close(rooms: &Rooms) {
    if let Err(error) = rooms.close().await {
        let error = &error as &dyn StdError;
        tracing::error!(
            error,
            "rooms cannot be synced: a restart of the machine loses events"
        );
    }
}
