//! An answer as it comes: the body, read under a watchdog.

use crate::{
    Error, Event, Timeouts,
    reader::{Progress, Reader},
    watchdog::Watchdog,
};
use futures::Stream;
use ports::{ByteStream, HttpError};
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How long to wait for usage and the end of the stream when the model has finished.
const AFTER_FINISH: Duration = Duration::from_secs(5);

/// How long to wait for the end of the body when the server said that nothing follows. Reading
/// to the end lets the connection serve the next request.
const AFTER_DONE: Duration = Duration::from_millis(250);

/// The events of one answer. Ends after [`Event::Finish`] or the first error; dropping it closes
/// the exchange, which is how a model is told to stop.
pub struct Answer {
    body: ByteStream,
    watchdog: Watchdog,
    silence: Duration,
    reader: Reader,
    ready: VecDeque<Event>,
    failure: Option<Error>,
    phase: Phase,
    hide_key: Box<dyn Fn(&str) -> String + Send>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing of the answer has come.
    Waiting,
    /// The model speaks.
    Speaking,
    /// The model has finished; usage may follow.
    Finished,
    /// The answer is whole; the body may not be at its end.
    Done,
    /// Nothing is read any more.
    Closed,
}

impl Answer {
    pub(crate) fn new(
        body: ByteStream,
        watchdog: Watchdog,
        timeouts: &Timeouts,
        seed: i64,
        hide_key: Box<dyn Fn(&str) -> String + Send>,
    ) -> Self {
        Self {
            body,
            watchdog,
            silence: timeouts.silence,
            reader: Reader::new(seed),
            ready: VecDeque::new(),
            failure: None,
            phase: Phase::Waiting,
            hide_key,
        }
    }

    /// Waits for the next thing to happen and takes note of it.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let outcome = match self.body.as_mut().poll_next(context) {
            Poll::Ready(Some(Ok(bytes))) => self.take_bytes(&bytes),
            Poll::Ready(Some(Err(error))) => self.take_break(error),
            Poll::Ready(None) => self.take_end(),
            Poll::Pending => match self.watchdog.poll_bark(context) {
                Poll::Ready(()) => self.take_silence(),
                Poll::Pending => return Poll::Pending,
            },
        };
        if let Err(error) = outcome {
            self.failure = Some(error.map_message(&*self.hide_key));
            self.close();
        }
        Poll::Ready(())
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.phase == Phase::Done {
            return Ok(());
        }
        match self.reader.push(bytes, &mut self.ready)? {
            Progress::KeepAlive => self.watchdog.heard(),
            Progress::Pieces => self.watchdog.progressed(),
        }
        if self.reader.is_done() {
            self.enter(Phase::Done, AFTER_DONE);
        } else if self.reader.is_finished() {
            self.enter(Phase::Finished, AFTER_FINISH);
        } else if !self.ready.is_empty() {
            self.enter(Phase::Speaking, self.silence);
        }
        Ok(())
    }

    /// A connection that breaks when all has been said does no harm.
    fn take_break(&mut self, error: HttpError) -> Result<(), Error> {
        match self.phase {
            Phase::Done | Phase::Finished => self.take_end(),
            _ => Err(error.into()),
        }
    }

    fn take_end(&mut self) -> Result<(), Error> {
        let result = self.reader.end(&mut self.ready);
        self.close();
        result
    }

    fn take_silence(&mut self) -> Result<(), Error> {
        match self.phase {
            Phase::Waiting => Err(Error::FirstTokenTimeout),
            Phase::Speaking => Err(Error::SilenceTimeout),
            Phase::Finished | Phase::Done | Phase::Closed => self.take_end(),
        }
    }

    fn enter(&mut self, phase: Phase, limit: Duration) {
        if self.phase != phase {
            self.phase = phase;
            self.watchdog.allow(limit);
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.body = Box::pin(futures::stream::empty());
    }
}

impl Stream for Answer {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let answer = self.get_mut();
        loop {
            if let Some(event) = answer.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if let Some(error) = answer.failure.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if answer.phase == Phase::Closed {
                return Poll::Ready(None);
            }
            if answer.poll_step(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut answer = formatter.debug_struct("Answer");
        answer.field("phase", &self.phase).finish_non_exhaustive()
    }
}
