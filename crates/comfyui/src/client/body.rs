//! Reads bodies within a limit and a time.

use super::shallow::Shallow;
use crate::{Error, limits};
use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    future::{Either, select},
};
use ports::{BoxFuture, ByteStream, Clock};
use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// When waiting is given up.
pub(super) struct Deadline(BoxFuture<'static, ()>);

impl Deadline {
    pub(super) fn new(timer: BoxFuture<'static, ()>) -> Self {
        Self(timer)
    }
}

/// What `future` gives, unless the deadline is sooner.
pub(super) async fn within<F: Future>(
    future: F,
    deadline: &mut Deadline,
) -> Result<F::Output, Error> {
    match select(pin!(future), &mut deadline.0).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(((), _)) => Err(Error::Timeout),
    }
}

/// The whole body.
pub(super) async fn collect(
    mut body: ByteStream,
    limit: usize,
    deadline: &mut Deadline,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = within(body.next(), deadline).await? {
        let piece = piece?;
        if piece.len() > limit.saturating_sub(bytes.len()) {
            return Err(too_long(limit));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The outer levels of a body that is JSON. What lies deeper goes as it comes.
pub(super) async fn collect_shallow(
    mut body: ByteStream,
    levels: usize,
    limit: usize,
    deadline: &mut Deadline,
) -> Result<Vec<u8>, Error> {
    let mut shallow = Shallow::new(levels);
    let mut left = limit;
    while let Some(piece) = within(body.next(), deadline).await? {
        let piece = piece?;
        let rest = left.checked_sub(piece.len());
        left = rest.ok_or_else(|| too_long(limit))?;
        shallow.add(&piece);
        if shallow.kept() > limits::ANSWER {
            return Err(too_long(limits::ANSWER));
        }
    }
    Ok(shallow.into_kept())
}

fn too_long(limit: usize) -> Error {
    Error::TooLong {
        what: "the service's answer",
        limit,
    }
}

/// A file as it arrives. It ends with an error when the server is silent for too long or sends
/// more than the limit; dropping it ends the exchange.
pub struct FileBody {
    body: ByteStream,
    clock: Arc<dyn Clock>,
    silence: Duration,
    timer: BoxFuture<'static, ()>,
    limit: usize,
    left: usize,
    has_ended: bool,
}

impl FileBody {
    pub(super) fn new(
        body: ByteStream,
        clock: Arc<dyn Clock>,
        silence: Duration,
        limit: usize,
    ) -> Self {
        Self {
            body,
            timer: clock.sleep(silence),
            clock,
            silence,
            limit,
            left: limit,
            has_ended: false,
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Bytes, Error>>> {
        self.has_ended = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for FileBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        match self.body.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(piece))) => {
                let Some(left) = self.left.checked_sub(piece.len()) else {
                    let limit = self.limit;
                    return self.fail(Error::TooLong {
                        what: "the file",
                        limit,
                    });
                };
                self.left = left;
                self.timer = self.clock.sleep(self.silence);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => self.fail(error.into()),
            Poll::Ready(None) => {
                self.has_ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => match self.timer.as_mut().poll(context) {
                Poll::Ready(()) => self.fail(Error::Timeout),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}
