//! What an execution holds: its lease and its toolbox.
//!
//! Invariant: both are given back, however the execution ends.

use crate::Toolbox;
use ports::Platform;
use std::sync::Arc;
use store::runs::{self, Lease};

/// The lease of an execution and its toolbox; given back when the execution is dropped.
pub(super) struct Held {
    platform: Platform,
    pub(super) lease: Lease,
    /// Whether nothing is left of the lease: it was given back, or ended with the run.
    pub(super) is_given_back: bool,
    pub(super) toolbox: Option<Arc<dyn Toolbox>>,
}

impl Held {
    /// A lease that was just taken.
    pub(super) fn of(platform: &Platform, lease: Lease) -> Self {
        Self {
            platform: platform.clone(),
            lease,
            is_given_back: false,
            toolbox: None,
        }
    }

    /// Gives the toolbox back in good order.
    pub(super) async fn close(&mut self) {
        if let Some(toolbox) = self.toolbox.take() {
            toolbox.close().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let toolbox = self.toolbox.take();
        let lease = (!self.is_given_back).then(|| self.lease.clone());
        if toolbox.is_none() && lease.is_none() {
            return;
        }
        let platform = self.platform.clone();
        self.platform.tasks.spawn(Box::pin(async move {
            if let Some(toolbox) = toolbox {
                toolbox.close().await;
            }
            if let Some(lease) = lease {
                give_back(&platform, &lease).await;
            }
        }));
    }
}

/// Gives a lease back, so that the next need not wait. Returns whether it could be.
pub(super) async fn give_back(platform: &Platform, lease: &Lease) -> bool {
    let released = runs::release(&*platform.sql, lease).await;
    if let Err(error) = &released {
        // It runs out by itself.
        eprintln!("run {}: lease not given back: {error}", lease.run.0);
    }
    released.is_ok()
}
