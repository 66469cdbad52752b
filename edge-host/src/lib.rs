//! Serves a `spin.toml` with embedded wasmtime: for development, tests and installations of a
//! single binary.
//!
//! Invariant: a guest reaches nothing that its part of the manifest does not name, and whatever
//! it does (traps, computes without end, fills its memory) costs only the requests of its own
//! instance.

mod bindings;
mod config;
mod deadline;
mod engine;
mod error;
mod guest;
mod guest_log;
mod interfaces;
pub mod manifest;
mod outbound;
mod pool;
mod server;
mod setup;

pub use crate::outbound::{Addresses, Policy, PolicyError, Resolver, System};
pub use config::Config;
pub use error::HostError;

use manifest::Application;
use server::Server;
use std::net::SocketAddr;

/// An application that is being served.
pub struct Host {
    address: SocketAddr,
    server: Server,
}

impl Host {
    /// Loads, compiles and serves the application; it accepts requests when this returns.
    ///
    /// # Errors
    /// When the manifest, a component, the state folder or the address cannot be used.
    pub async fn start(config: Config) -> Result<Self, HostError> {
        let application = Application::load(&config.manifest, &config.variables)?;
        let setup = setup::Setup::prepare(&config, application).await?;
        let server = Server::start(&config, setup).await?;
        Ok(Self {
            address: server.address(),
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, and waits for what is in flight, but not for ever.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
