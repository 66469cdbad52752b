//! Requests that guests send out.
//!
//! Invariant: no connection is used for a component that its own policy did not allow, to an
//! address that was not checked. Each component has a pool of connections of its own, made
//! through a connector that resolves, checks and connects to what it checked.

mod connect;
mod response;

pub use ::outbound::{Addresses, Policy, PolicyError, Resolver, System};

use bytes::Bytes;
use connect::{CONNECT_TIMEOUT, CheckedConnector, NoConnection};
use http::{Request, Response, uri::Scheme};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error as ClientError},
    rt::{TokioExecutor, TokioTimer},
};
use response::Timed;
use std::{error::Error as _, io, sync::Arc, time::Duration};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// Where a request says nothing else: to connect, to the first byte, between two bytes.
const DEFAULT_CONNECT: Duration = Duration::from_secs(10);
const DEFAULT_SILENCE: Duration = Duration::from_secs(600);

/// Idle connections to one server.
const IDLE_PER_HOST: usize = 64;

/// The outbound side of one component. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbound {
    policy: Arc<Policy>,
    client: Client<HttpsConnector<CheckedConnector>, WasiBody>,
}

impl Outbound {
    /// Keeps connections that are not used for `idle`.
    pub(crate) fn new(policy: Policy, tls: &rustls::ClientConfig, idle: Duration) -> Self {
        let policy = Arc::new(policy);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(CheckedConnector::new(Arc::clone(&policy)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build(connector);
        Self { policy, client }
    }

    async fn send(
        self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        self.check(&request)?;
        let connect = options.connect_timeout.unwrap_or(DEFAULT_CONNECT);
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_SILENCE);
        let between = options.between_bytes_timeout.unwrap_or(DEFAULT_SILENCE);
        let exchange = CONNECT_TIMEOUT.scope(connect, self.client.request(request));
        // The connection has its own limit, which must be the one that is reported.
        let response = tokio::time::timeout(connect.saturating_add(first_byte), exchange)
            .await
            .map_err(|_| Error::HttpResponseTimeout)?
            .map_err(|error| client_error(&error))?;
        Ok(response.map(|body| Timed::new(body, between).boxed_unsync()))
    }

    fn check<B>(&self, request: &Request<B>) -> Result<(), Error> {
        let uri = request.uri();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let scheme = uri.scheme().unwrap_or(&Scheme::HTTPS);
        let port = connect::port(uri);
        if self.policy.permits(scheme.as_str(), authority.host(), port) {
            return Ok(());
        }
        tracing::warn!(host = authority.host(), port, "no grant for this address");
        Err(Error::HttpRequestDenied)
    }
}

type Exchange = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange, Error>> + Send> {
        let outbound = self.clone();
        Box::new(async move {
            let response = outbound.send(request, options.unwrap_or_default()).await?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }
}

fn client_error(error: &ClientError) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(none) = inner.downcast_ref::<NoConnection>() {
            return none.to_wasi();
        }
        if inner.is::<rustls::Error>() {
            return Error::TlsProtocolError;
        }
        if let Some(Error::HttpRequestBodySize(size)) = inner.downcast_ref::<Error>() {
            return Error::HttpRequestBodySize(*size);
        }
        if let Some(io) = inner.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::ConnectionRefused
        {
            return Error::ConnectionRefused;
        }
        cause = inner.source();
    }
    tracing::debug!(%error, "outbound exchange failed");
    if error.is_connect() {
        Error::DestinationUnavailable
    } else {
        Error::ConnectionTerminated
    }
}

/// A body as it arrives.
type Piece = http_body::Frame<Bytes>;
