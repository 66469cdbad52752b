//! What a host can be told.

use crate::{Resolver, System};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

/// How to serve an application.
#[derive(Clone, Debug)]
pub struct Config {
    /// The `spin.toml`.
    pub manifest: PathBuf,
    /// The address to listen on; port 0 takes any free one.
    pub listen: String,
    /// The folder for databases and compiled components; made if it is missing.
    pub state: PathBuf,
    /// The application's variables that the operator sets.
    pub variables: BTreeMap<String, String>,
    /// Who knows the addresses of the hosts that guests send requests to.
    pub resolver: Arc<dyn Resolver>,
    /// Requests in flight, those below `/internal/` not counted.
    pub max_in_flight: usize,
    /// Requests in flight below `/internal/`.
    pub max_internal_in_flight: usize,
    /// Connections open at once.
    pub max_connections: usize,
    /// Bytes of a request's body.
    pub max_body: u64,
    /// Bytes of an instance's memory.
    pub memory: usize,
    /// How long a guest may compute without coming to rest.
    pub longest_computation: Duration,
    /// How long a connection to another server is kept without use.
    pub idle_outbound: Duration,
    /// How long a shutdown waits for what is in flight.
    pub drain: Duration,
}

impl Config {
    /// The defaults, for this manifest and this state folder, on any free loopback port.
    pub fn new(manifest: impl Into<PathBuf>, state: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: "127.0.0.1:0".to_owned(),
            state: state.into(),
            variables: BTreeMap::new(),
            resolver: Arc::new(System),
            max_in_flight: 1024,
            max_internal_in_flight: 256,
            max_connections: 10_000,
            max_body: 32 * 1024 * 1024,
            memory: 128 * 1024 * 1024,
            longest_computation: Duration::from_secs(10),
            // Shorter than servers keep theirs (the runner's own interface 15 s): else a request
            // meets a connection that is just being closed, and fails.
            idle_outbound: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}
