//! A response's body, which ends what belongs to its request.

use super::problem;
use crate::{pool::Opened, setup::Served};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, WasiBody};

/// What a request holds until its response's body is at its end: a place among those in flight,
/// and one in its instance.
pub(super) type Held = (OwnedSemaphorePermit, Opened);

/// A guest's body, with what its request holds until the end.
pub(super) struct Guarded {
    body: WasiBody,
    log: Option<AccessLog>,
    _held: Held,
}

/// A body from a guest or from the host.
pub(super) enum Answer {
    Guest(Guarded),
    Ours(problem::Body),
}

impl Guarded {
    pub(super) fn new(body: WasiBody, held: Held) -> Self {
        Self {
            body,
            log: None,
            _held: held,
        }
    }
}

impl Answer {
    /// Writes the line of the log when the body has ended.
    pub(super) fn logged(self, log: AccessLog) -> Self {
        match self {
            Self::Guest(guarded) => Self::Guest(Guarded {
                log: Some(log),
                ..guarded
            }),
            ours @ Self::Ours(_) => ours,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Guest(guarded) => {
                let frame = Pin::new(&mut guarded.body).poll_frame(context);
                if let (Poll::Ready(Some(Ok(frame))), Some(log)) = (&frame, &mut guarded.log) {
                    log.sent(frame.data_ref().map_or(0, Bytes::len));
                }
                frame
            }
            Self::Ours(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Guest(guarded) => guarded.body.is_end_stream(),
            Self::Ours(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Guest(guarded) => guarded.body.size_hint(),
            Self::Ours(body) => body.size_hint(),
        }
    }
}

/// One line of the access log, written when it is dropped. Queries may carry tokens and are not
/// in it.
pub(super) struct AccessLog(Option<Box<Line>>);

struct Line {
    method: Method,
    path: String,
    id: HeaderValue,
    component: Option<Arc<Served>>,
    status: StatusCode,
    bytes: u64,
    started: Instant,
}

impl AccessLog {
    /// Nothing is kept where nobody reads it.
    pub(super) fn begin<B>(request: &Request<B>, id: &HeaderValue, started: Instant) -> Self {
        if !tracing::enabled!(target: logging::ACCESS, tracing::Level::INFO) {
            return Self(None);
        }
        Self(Some(Box::new(Line {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            id: id.clone(),
            component: None,
            status: StatusCode::OK,
            bytes: 0,
            started,
        })))
    }

    pub(super) fn component(&mut self, served: &Arc<Served>) {
        if let Some(line) = &mut self.0 {
            line.component = Some(Arc::clone(served));
        }
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        if let Some(line) = &mut self.0 {
            line.status = status;
        }
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(line) = &mut self.0 {
            line.bytes += bytes as u64;
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        let Some(line) = self.0.take() else {
            return;
        };
        tracing::info!(
            target: logging::ACCESS,
            method = %line.method,
            path = line.path,
            status = line.status.as_u16(),
            bytes = line.bytes,
            milliseconds = line.started.elapsed().as_micros() as f64 / 1000.0,
            component = line.component.as_ref().map_or("-", |served| served.component.as_str()),
            request_id = line.id.to_str().unwrap_or_default(),
        );
    }
}
