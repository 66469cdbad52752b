//! Sending a request to the edge over pooled connections.

use super::{
    body::{RequestBody, RequestBodyError},
    refusal::Refusal,
};
use crate::{config::EdgeUrl, edge::EdgeState};
use http::{
    HeaderValue, Request, Response, Uri, request,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{error::Error as StdError, sync::Arc, time::Duration};

/// How long establishing a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection is kept without use: shorter than servers usually keep theirs, so that
/// a request seldom meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(10);

/// The most connections that are kept without use.
const IDLE_CONNECTIONS: usize = 512;

/// The edge, as the front door reaches it.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, RequestBody>,
    authority: Authority,
    host: HeaderValue,
    edge: Arc<EdgeState>,
    timeout: Duration,
}

impl Upstream {
    pub(crate) fn new(
        url: &EdgeUrl,
        edge: Arc<EdgeState>,
        timeout: Duration,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(connector);
        let authority = url.authority().clone();
        let host = HeaderValue::from_str(authority.as_str())?;
        Ok(Self {
            client,
            authority,
            host,
            edge,
            timeout,
        })
    }

    /// The edge's host and port, as its `Host` header has them.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Sends a request and resolves with the head of the answer. Dropping the future, or the
    /// answer's body, closes the exchange with the edge.
    pub(crate) async fn send(
        &self,
        mut parts: request::Parts,
        body: RequestBody,
    ) -> Result<Response<Incoming>, Refusal> {
        parts.uri = self.at_edge(parts.uri).map_err(|_| Refusal::Target)?;
        parts.version = http::Version::HTTP_11;
        parts.extensions = http::Extensions::new();
        let sending = self.client.request(Request::from_parts(parts, body));
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.refusal_of(&error)),
            Err(_) => Err(Refusal::EdgeTimeout),
        }
    }

    /// The same path and query at the edge, untouched.
    fn at_edge(&self, uri: Uri) -> Result<Uri, http::uri::InvalidUriParts> {
        let mut parts = uri.into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts
            .path_and_query
            .get_or_insert_with(|| PathAndQuery::from_static("/"));
        Uri::from_parts(parts)
    }

    fn refusal_of(&self, error: &Error) -> Refusal {
        if let Some(fault) = cause::<RequestBodyError>(error) {
            return match fault {
                RequestBodyError::TooLarge => Refusal::TooLarge,
                RequestBodyError::Silent => Refusal::BodyTimeout,
                RequestBodyError::Broken(_) => Refusal::BodyBroken,
            };
        }
        self.edge.lost();
        if error.is_connect() {
            tracing::debug!(error = error as &dyn StdError, "no connection to the edge");
            Refusal::EdgeDown
        } else {
            tracing::warn!(error = error as &dyn StdError, "the edge broke off");
            Refusal::EdgeBroke
        }
    }
}

/// The error of type `E` behind `error`, if there is one.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
