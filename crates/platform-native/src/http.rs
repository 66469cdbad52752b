//! `ports::Http` over hyper: HTTP/1.1 and HTTP/2, TLS with the machine's certificates.

use bytes::Bytes;
use futures::TryStreamExt;
use http::{Request, Response, Uri};
use http_body_util::{BodyDataStream, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use ports::{BoxFuture, ByteStream, ConnectTimeout, Http, HttpError};
use std::{
    collections::HashMap,
    error::Error,
    io,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// The connection may take this long where a request says nothing else.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many different timeouts get a pool of connections of their own.
const CLIENTS: usize = 8;

type HyperClient = Client<TimedConnector, Full<Bytes>>;

/// An HTTP client with pooled connections. It follows no redirect and asks no proxy.
pub struct HyperHttp {
    connector: HttpsConnector<HttpConnector>,
    /// By connect timeout: hyper's connector does not see the request it connects for.
    clients: Mutex<HashMap<Duration, HyperClient>>,
}

impl HyperHttp {
    /// A client that trusts the machine's certificates.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new() -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(http);
        Ok(Self {
            connector,
            clients: Mutex::default(),
        })
    }

    fn client(&self, timeout: Duration) -> HyperClient {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&timeout) {
            return client.clone();
        }
        let connector = TimedConnector {
            connector: self.connector.clone(),
            timeout,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        if clients.len() < CLIENTS {
            clients.insert(timeout, client.clone());
        }
        client
    }
}

impl Http for HyperHttp {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, HttpError>> {
        let timeout = request
            .extensions()
            .get::<ConnectTimeout>()
            .map_or(CONNECT_TIMEOUT, |timeout| timeout.0);
        Box::pin(async move {
            let response = self
                .client(timeout)
                .request(request.map(Full::new))
                .await
                .map_err(|error| http_error(&error))?;
            Ok(response.map(|body| {
                let pieces = BodyDataStream::new(body);
                let stream = pieces.map_err(|error| HttpError::Broken(chain(&error)));
                Box::pin(stream) as ByteStream
            }))
        })
    }
}

/// Bounds resolving, connecting and the TLS handshake together.
#[derive(Clone)]
struct TimedConnector {
    connector: HttpsConnector<HttpConnector>,
    timeout: Duration,
}

/// The connection was not there in time.
#[derive(Debug, thiserror::Error)]
#[error("connecting timed out")]
struct TimedOut;

impl Service<Uri> for TimedConnector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.connector.call(uri);
        let timeout = self.timeout;
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(result) => result,
                Err(_) => Err(TimedOut.into()),
            }
        })
    }
}

fn http_error(error: &hyper_util::client::legacy::Error) -> HttpError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<TimedOut>() {
            return HttpError::ConnectTimeout;
        }
        cause = inner.source();
    }
    if error.is_connect() {
        HttpError::Unreachable(chain(error))
    } else {
        HttpError::Broken(chain(error))
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
