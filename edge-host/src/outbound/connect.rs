//! Resolves a name once, checks what it got, and connects to exactly that.

use super::Policy;
use http::Uri;
use hyper_util::rt::TokioIo;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;
use tower_service::Service;
use wasmtime_wasi_http::Error;

tokio::task_local! {
    /// The limit of the request that the connection is made for: hyper's connector does not see
    /// the request itself.
    pub(super) static CONNECT_TIMEOUT: Duration;
}

/// Connects as one component's policy allows.
#[derive(Clone)]
pub(super) struct CheckedConnector {
    policy: Arc<Policy>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("{host} resolves to {address}, which is not public and not allowed")]
    Private { host: String, address: IpAddr },
    #[error("the URI has no host")]
    NoHost,
    #[error("{0} cannot be resolved: {1}")]
    Unresolved(String, io::Error),
    #[error("no connection to {0}: {1}")]
    Unreachable(SocketAddr, io::Error),
    #[error("connecting timed out")]
    TimedOut,
}

impl Refused {
    pub(super) fn to_wasi(&self) -> Error {
        match self {
            Self::Private { .. } => Error::DestinationIpProhibited,
            Self::NoHost => Error::HttpRequestUriInvalid,
            Self::Unresolved(..) => Error::DnsError {
                rcode: None,
                info_code: None,
            },
            Self::Unreachable(_, error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Error::ConnectionRefused
            }
            Self::Unreachable(..) => Error::DestinationUnavailable,
            Self::TimedOut => Error::ConnectionTimeout,
        }
    }
}

impl CheckedConnector {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }

    async fn connect(self, uri: Uri) -> Result<TcpStream, Refused> {
        let host = uri.host().ok_or(Refused::NoHost)?;
        let port = port(&uri);
        let addresses = resolve(host, port).await?;
        // One private address among public ones is as bad as none but private ones.
        for address in &addresses {
            if !self.policy.permits_address(host, address.ip(), port) {
                let refused = Refused::Private {
                    host: host.to_owned(),
                    address: address.ip(),
                };
                tracing::warn!(%refused, "outbound connection refused");
                return Err(refused);
            }
        }
        let mut failed = Refused::NoHost;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Refused::Unreachable(address, error),
            }
        }
        Err(failed)
    }
}

impl Service<Uri> for CheckedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Refused>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let timeout = CONNECT_TIMEOUT.try_get().unwrap_or(super::DEFAULT_CONNECT);
        let connector = self.clone();
        Box::pin(async move {
            let stream = tokio::time::timeout(timeout, connector.connect(uri))
                .await
                .map_err(|_| Refused::TimedOut)??;
            // Without it small pieces wait for one another; it fails only on a dead socket.
            let _dead = stream.set_nodelay(true);
            Ok(TokioIo::new(stream))
        })
    }
}

/// The port that a URI means.
pub(super) fn port(uri: &Uri) -> u16 {
    let default = if uri.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    uri.port_u16().unwrap_or(default)
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let failed = |error| Refused::Unresolved(host.to_owned(), error);
    let addresses: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(failed)?
        .collect();
    if addresses.is_empty() {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}
