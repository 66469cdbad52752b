//! One request and its answer, from the head to the last byte: counted, and logged at its end.

use crate::{metrics::Metrics, places::Place};
use http::{HeaderValue, Method, StatusCode, Uri};
use logging::ACCESS;
use std::{net::IpAddr, sync::Arc, time::Instant};

/// One request and its answer. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    metrics: Arc<Metrics>,
    pub(crate) id: HeaderValue,
    method: Method,
    uri: Uri,
    client: IpAddr,
    started: Instant,
    status: Option<StatusCode>,
    bytes: u64,
    end: End,
    /// Its address's place, where it needs one.
    _place: Option<Place<IpAddr>>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client left before it had everything.
    Left,
    /// The edge broke off in the middle of its answer.
    Broken,
    /// All was said.
    Whole,
}

impl Exchange {
    pub(crate) fn begin(
        metrics: Arc<Metrics>,
        id: HeaderValue,
        (method, uri): (Method, Uri),
        client: IpAddr,
    ) -> Self {
        metrics.request_began();
        let started = Instant::now();
        Self {
            metrics,
            id,
            method,
            uri,
            client,
            started,
            status: None,
            bytes: 0,
            end: End::Left,
            _place: None,
        }
    }

    /// The path that was asked for, without its query.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// Has it hold a place until its end.
    pub(crate) fn hold(&mut self, place: Option<Place<IpAddr>>) {
        self._place = place;
    }

    /// The answer's head goes out.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        // The body of an answer to HEAD is never asked for.
        if self.method == Method::HEAD {
            self.end = End::Whole;
        }
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(crate) fn ended(&mut self) {
        self.end = End::Whole;
    }

    pub(crate) fn broke(&mut self) {
        self.end = End::Broken;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.metrics
            .request_ended(self.status, self.end == End::Left);
        if !tracing::enabled!(target: ACCESS, tracing::Level::INFO) {
            return;
        }
        let end = match self.end {
            End::Left => "left",
            End::Broken => "broken",
            End::Whole => "whole",
        };
        tracing::info!(
            target: ACCESS,
            id = self.id.to_str().unwrap_or_default(),
            client = %self.client,
            method = self.method.as_str(),
            path = self.uri.path(),
            status = self.status.map_or(0, |status| status.as_u16()),
            bytes = self.bytes,
            ms = self.started.elapsed().as_secs_f64() * 1000.0,
            end,
        );
    }
}
