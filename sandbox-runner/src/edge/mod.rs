//! The edge, as the runner knows and asks it.

mod migrate;
mod obstacle;
mod sweep;

pub(crate) use migrate::keep_migrated;
pub(crate) use sweep::{PROBE_SERVICES, SWEEPS, keep_asked};

use crate::config::Config;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::Serialize;
use std::{
    error::Error as StdError,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{net::TcpStream, sync::Notify};

/// How long connecting to the edge may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a look whether the edge is there may take.
const PROBE: Duration = Duration::from_secs(1);

/// How long the edge may take for an answer to the runner.
const ANSWER: Duration = Duration::from_secs(120);

/// How much of the edge's answer is read, in bytes.
const READ: usize = 256 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known about the edge.
#[derive(Debug, Default)]
pub(crate) struct EdgeState {
    migrated: AtomicBool,
    lost: Notify,
}

impl EdgeState {
    /// Whether the edge said that its database is migrated, and was not lost since.
    pub(crate) fn is_migrated(&self) -> bool {
        self.migrated.load(Ordering::Relaxed)
    }

    /// The edge could not be reached, or broke off: it may come back with another database.
    pub(crate) fn lost(&self) {
        if self.migrated.swap(false, Ordering::Relaxed) {
            self.lost.notify_one();
        }
    }

    fn found_migrated(&self) {
        self.migrated.store(true, Ordering::Relaxed);
    }
}

/// Asks the edge what only the runner may ask.
#[derive(Debug)]
pub(crate) struct Edge {
    client: Client<HttpConnector, Full<Bytes>>,
    authority: http::uri::Authority,
    bearer: HeaderValue,
}

/// What the edge says to the runner.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: http::StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// How the edge is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    /// How long it may take.
    pub(crate) within: Duration,
    /// The number of the request for which it is asked.
    pub(crate) id: Option<&'a HeaderValue>,
}

/// Why the edge has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("no connection to the edge")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the exchange with the edge broke off")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the edge did not answer in time")]
    Timeout,
}

impl Edge {
    pub(crate) fn new(config: &Config) -> Result<Self, header::InvalidHeaderValue> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(10))
            .build(connector);
        let authority = config.edge.authority().clone();
        Ok(Self {
            client,
            authority,
            bearer: config.token.to_bearer()?,
        })
    }

    /// Posts nothing to `path`, with the runner's token.
    pub(crate) async fn post(&self, path: &'static str) -> Result<Answer, AskError> {
        self.exchange(self.request(path, Bytes::new())?, ANSWER)
            .await
    }

    /// Posts `question` as JSON to `path`, with the runner's token.
    pub(crate) async fn ask<T: Serialize>(
        &self,
        path: &'static str,
        question: &T,
        asking: Asking<'_>,
    ) -> Result<Answer, AskError> {
        let body = serde_json::to_vec(question).map_err(|error| AskError::Broken(error.into()))?;
        let mut request = self.request(path, body.into())?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        if let Some(id) = asking.id {
            headers.insert(REQUEST_ID, id.clone());
        }
        self.exchange(request, asking.within).await
    }

    /// Gets `path`, with the runner's token.
    pub(crate) async fn get(&self, path: &str, within: Duration) -> Result<Answer, AskError> {
        let mut request = self.request(path, Bytes::new())?;
        *request.method_mut() = Method::GET;
        self.exchange(request, within).await
    }

    /// Posts `question` as [`ask`](Self::ask) does, and returns with the answer's head, `within`
    /// that time; its body comes as it comes.
    pub(crate) async fn open<T: Serialize>(
        &self,
        path: &str,
        question: &T,
        within: Duration,
    ) -> Result<Response<Incoming>, AskError> {
        let body = serde_json::to_vec(question).map_err(|error| AskError::Broken(error.into()))?;
        let mut request = self.request(path, body.into())?;
        request.headers_mut().insert(header::CONTENT_TYPE, JSON);
        tokio::time::timeout(within, self.send(request))
            .await
            .map_err(|_| AskError::Timeout)?
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, AskError> {
        self.client.request(request).await.map_err(|error| {
            if error.is_connect() {
                AskError::Unreachable(error)
            } else {
                AskError::Broken(error.into())
            }
        })
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        within: Duration,
    ) -> Result<Answer, AskError> {
        let exchange = async {
            let response = self.send(request).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, READ).collect().await;
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.map_err(AskError::Broken)?.to_bytes(),
            })
        };
        tokio::time::timeout(within, exchange)
            .await
            .map_err(|_| AskError::Timeout)?
    }

    fn request(&self, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, AskError> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        let path = path.parse::<http::uri::PathAndQuery>();
        parts.path_and_query = Some(path.map_err(|error| AskError::Broken(error.into()))?);
        let uri = Uri::from_parts(parts).map_err(|error| AskError::Broken(error.into()))?;
        let mut request = Request::post(uri).body(Full::new(body));
        if let Ok(request) = &mut request {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, self.bearer.clone());
        }
        request.map_err(|error| AskError::Broken(error.into()))
    }

    /// Whether something accepts connections where the edge should be.
    pub(crate) async fn is_reachable(&self) -> bool {
        let connecting = TcpStream::connect(self.authority.as_str());
        matches!(tokio::time::timeout(PROBE, connecting).await, Ok(Ok(_)))
    }
}
