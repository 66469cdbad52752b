//! A response's body with a limit on its silence.

use super::Piece;
use bytes::Bytes;
use http_body::{Body, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::Error;

/// Ends with an error when nothing came for too long.
pub(super) struct Timed {
    body: Incoming,
    silence: Duration,
    /// Only while the reader waits.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Timed {
    pub(super) fn new(body: Incoming, silence: Duration) -> Self {
        Self {
            body,
            silence,
            timer: None,
            waiting: false,
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let silence = self.silence;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
        if !self.waiting {
            self.waiting = true;
            let far = || Instant::now() + Duration::from_secs(24 * 3600);
            let end = Instant::now().checked_add(silence).unwrap_or_else(far);
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(context)
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece, Error>>> {
        if let Poll::Ready(piece) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = false;
            let failed = |error: hyper::Error| {
                tracing::debug!(%error, "outbound response broke off");
                Error::HttpResponseIncomplete
            };
            return Poll::Ready(piece.map(|piece| piece.map_err(failed)));
        }
        ready!(self.poll_timer(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
