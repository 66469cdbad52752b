//! Why an application cannot be served.

use crate::{manifest::ManifestError, outbound::PolicyError};
use std::{io, path::PathBuf};

/// Why an application cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An address pattern in it or in a variable.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A component cannot be read or compiled, or imports what is not hosted.
    #[error("component {path}: {reason:#}", path = path.display())]
    Component {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: wasmtime::Error,
    },
    /// The WebAssembly engine does not start.
    #[error("the WebAssembly engine: {0:#}")]
    Engine(wasmtime::Error),
    /// The state folder, or what lies in it.
    #[error("state in {path}: {reason}", path = path.display())]
    State {
        /// Which folder or file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The machine's certificates cannot be read.
    #[error("TLS: {0}")]
    Tls(io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Which address.
        address: String,
        /// Why.
        reason: io::Error,
    },
}
