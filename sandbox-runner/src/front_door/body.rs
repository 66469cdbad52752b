//! Bodies on their way through: counted, limited, never gathered.

use super::exchange::Exchange;
use crate::sockets::StreamBody;
use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// A client's body on its way to the edge.
#[derive(Debug)]
pub(crate) struct RequestBody {
    inner: Incoming,
    left: u64,
    silence: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// Why a client's body cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestBodyError {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body stopped arriving")]
    Silent,
    #[error("the body broke off: {0}")]
    Broken(#[source] hyper::Error),
}

impl RequestBody {
    /// Lets `most` bytes pass, none of which may be further than `silence` from the last.
    pub(crate) fn new(inner: Incoming, most: u64, silence: Duration) -> Self {
        Self {
            inner,
            left: most,
            silence,
            waiting: None,
        }
    }

    /// Gives up when nothing came for too long. The timer exists only while one waits.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let silence = self.silence;
        let timer = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + silence)));
        timer.as_mut().poll(cx)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            ready!(this.poll_silence(cx));
            return Poll::Ready(Some(Err(RequestBodyError::Silent)));
        };
        this.waiting = None;
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let size = frame.data_ref().map_or(0, |data| data.remaining() as u64);
                match this.left.checked_sub(size) {
                    Some(left) => {
                        this.left = left;
                        Some(Ok(frame))
                    }
                    None => Some(Err(RequestBodyError::TooLarge)),
                }
            }
            Some(Err(error)) => Some(Err(RequestBodyError::Broken(error))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body on its way to the client. The exchange ends with it.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    inner: Source,
    exchange: Exchange,
}

#[derive(Debug)]
pub(crate) enum Source {
    /// An answer of the front door.
    Own(Full<Bytes>),
    /// An answer of the edge.
    Edge(Incoming),
    /// The events of a room.
    Events(StreamBody),
}

impl ResponseBody {
    pub(crate) fn new(inner: Source, mut exchange: Exchange) -> Self {
        // Where there is nothing to send, the body is dropped without being asked.
        if inner.is_end_stream() {
            exchange.ended();
        }
        Self { inner, exchange }
    }
}

impl Source {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Edge(body) => body.is_end_stream(),
            Self::Events(body) => body.is_end_stream(),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(match &mut this.inner {
            Source::Own(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|ok| Ok(ok.unwrap_or_else(|never| match never {})))),
            Source::Edge(body) => Pin::new(body).poll_frame(cx),
            Source::Events(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|ok| Ok(ok.unwrap_or_else(|never| match never {})))),
        });
        match &frame {
            Some(Ok(frame)) => {
                this.exchange.sent(frame.data_ref().map_or(0, Bytes::len));
                if this.inner.is_end_stream() {
                    this.exchange.ended();
                }
            }
            Some(Err(_)) => this.exchange.broke(),
            None => this.exchange.ended(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Source::Own(body) => body.size_hint(),
            Source::Edge(body) => body.size_hint(),
            Source::Events(body) => body.size_hint(),
        }
    }
}
