//! Resolves a name once, checks what it got, and connects to exactly that.

use crate::Policy;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};
use tokio::net::TcpStream;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The name has an address that must not be connected to.
    #[error("{host} resolves to {address}, which is not public and not allowed")]
    Private {
        /// The name.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// The name has no address.
    #[error("{0} cannot be resolved: {1}")]
    Unresolved(String, io::Error),
    /// Nobody takes the connection.
    #[error("no connection to {0}: {1}")]
    Unreachable(SocketAddr, io::Error),
}

/// A connection to `host` (a name, an address, or an IPv6 address in brackets) as `policy` allows.
/// The time that it takes is the caller's to limit.
///
/// # Errors
/// See [`Refused`].
pub async fn connect(policy: &Policy, host: &str, port: u16) -> Result<TcpStream, Refused> {
    let addresses = resolve(policy, host, port).await?;
    // One private address among public ones is as bad as none but private ones.
    for address in &addresses {
        if !policy.permits_address(host, address.ip(), port) {
            let refused = Refused::Private {
                host: host.to_owned(),
                address: address.ip(),
            };
            tracing::warn!(%refused, "outbound connection refused");
            return Err(refused);
        }
    }
    let mut failed = Refused::Unresolved(host.to_owned(), io::ErrorKind::NotFound.into());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it small pieces wait for one another; it fails only on a dead socket.
                let _dead = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failed = Refused::Unreachable(address, error),
        }
    }
    Err(failed)
}

async fn resolve(policy: &Policy, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = policy.resolver.resolve(host, port).await;
    found.map_err(|error| Refused::Unresolved(host.to_owned(), error))
}
