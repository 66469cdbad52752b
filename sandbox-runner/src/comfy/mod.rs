//! Sockets of ComfyUI services, held open while the edge reads what they say.
//!
//! Invariants: an address is connected to only as the operator allows, and as it was checked; no
//! redirect is followed; nothing is read that nobody takes, and nobody who leaves keeps a socket.

mod listening;
mod opening;

pub(crate) use listening::Listening;
pub(crate) use opening::NotOpened;

use crate::drain::Drain;
use opening::Tls;
use outbound::{Policy, PolicyError};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Limits and times of sockets to ComfyUI services.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Private addresses that may be connected to, as the edge's variable `outbound_allow` lists
    /// them.
    pub allowed: String,
    /// Sockets at a time.
    pub at_once: usize,
    /// How long opening one may take.
    pub opening: Duration,
    /// How long nothing may come before the other end is asked for a sign of life, and whoever
    /// reads is given one.
    pub beat: Duration,
    /// How long the other end may give no sign of life.
    pub silence: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed: String::new(),
            at_once: 256,
            opening: Duration::from_secs(10),
            beat: Duration::from_secs(10),
            silence: Duration::from_secs(45),
        }
    }
}

/// Opens sockets of ComfyUI services.
#[derive(Debug)]
pub(crate) struct Comfy {
    policy: Policy,
    tls: Tls,
    settings: Settings,
    places: Arc<Semaphore>,
    drain: Drain,
}

impl Comfy {
    pub(crate) fn new(settings: Settings, drain: Drain) -> Result<Self, PolicyError> {
        Ok(Self {
            policy: Policy::of_operator(&settings.allowed)?,
            tls: Tls::default(),
            places: Arc::new(Semaphore::new(settings.at_once)),
            settings,
            drain,
        })
    }

    /// Opens the socket at `url`.
    pub(crate) async fn follow(&self, url: &str) -> Result<Listening, NotOpened> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| NotOpened::NoPlace)?;
        let opening = opening::open(&self.policy, &self.tls, url);
        let socket = tokio::time::timeout(self.settings.opening, opening);
        let socket = socket.await.map_err(|_| NotOpened::Late)??;
        let stopping = self.drain.stopping();
        Ok(Listening::new(socket, &self.settings, stopping, place))
    }
}
