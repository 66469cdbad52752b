//! Connects as one component's policy allows, for hyper.

use super::Policy;
use ::outbound::Refused;
use http::Uri;
use hyper_util::rt::TokioIo;
use std::{
    io,
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
pub(super) enum NoConnection {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the URI has no host")]
    NoHost,
    #[error("connecting timed out")]
    TimedOut,
}

impl NoConnection {
    pub(super) fn to_wasi(&self) -> Error {
        match self {
            Self::Refused(Refused::Private { .. }) => Error::DestinationIpProhibited,
            Self::NoHost => Error::HttpRequestUriInvalid,
            Self::Refused(Refused::Unresolved(..)) => Error::DnsError {
                rcode: None,
                info_code: None,
            },
            Self::Refused(Refused::Unreachable(_, error))
                if error.kind() == io::ErrorKind::ConnectionRefused =>
            {
                Error::ConnectionRefused
            }
            Self::Refused(Refused::Unreachable(..)) => Error::DestinationUnavailable,
            Self::TimedOut => Error::ConnectionTimeout,
        }
    }
}

impl CheckedConnector {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }

    async fn connect(self, uri: Uri) -> Result<TcpStream, NoConnection> {
        let host = uri.host().ok_or(NoConnection::NoHost)?;
        Ok(::outbound::connect(&self.policy, host, port(&uri)).await?)
    }
}

impl Service<Uri> for CheckedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = NoConnection;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NoConnection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoConnection>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let timeout = CONNECT_TIMEOUT.try_get().unwrap_or(super::DEFAULT_CONNECT);
        let connector = self.clone();
        Box::pin(async move {
            let connecting = tokio::time::timeout(timeout, connector.connect(uri));
            let stream = connecting.await.map_err(|_| NoConnection::TimedOut)??;
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
