//! Has the edge migrate its database, so that nobody need do it by hand.

use super::{Edge, EdgeState, obstacle::attempt};
use crate::drain::Drain;
use std::{sync::Arc, time::Duration};

const PATH: &str = "/internal/migrate";
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Asks the edge to migrate until it has done so, and again after it was lost.
pub(crate) async fn keep_migrated(edge: Arc<Edge>, state: Arc<EdgeState>, drain: Drain) {
    let stopping = drain.stopping();
    let keeping = async {
        loop {
            until_migrated(&edge).await;
            state.found_migrated();
            state.lost.notified().await;
            tracing::info!("the edge was lost; asking it to migrate when it is back");
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = keeping => {}
    }
}

async fn until_migrated(edge: &Edge) {
    let mut wait = SHORTEST_WAIT;
    let mut met = None;
    while let Err(obstacle) = attempt(edge, PATH, met.as_ref()).await {
        met = Some(obstacle);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    tracing::info!("the edge's database is migrated");
}
