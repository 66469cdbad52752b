//! A command that is followed while it runs.
//!
//! Invariant: whoever reads slowly never holds the command up. What waits for the reader is
//! bounded, as is the whole; what does not fit is left out, which is said where it was.

use super::{
    ExecError, ExecEvent,
    launch::{Guard, Launched, ended, read},
    text::Text,
};
use sandbox_init::protocol::Exit;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How many bytes of text wait for a reader.
const MAX_WAITING: usize = 1024 * 1024;

/// How large pieces become while they wait.
const MAX_PIECE: usize = 64 * 1024;

/// The events of one command. Dropping it before the end kills the command.
pub struct ExecStream {
    queue: Arc<Queue>,
    guard: Guard,
}

impl std::fmt::Debug for ExecStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecStream").finish_non_exhaustive()
    }
}

impl ExecStream {
    pub(super) fn follow(launched: Launched, limit: usize) -> Self {
        let queue = Arc::new(Queue::new(limit));
        let Launched {
            guard,
            stdout,
            stderr,
            end,
        } = launched;
        queue.put(ExecEvent::Started(guard.id));
        let task = queue.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            let (mut out, mut err) = (Text::default(), Text::default());
            let (_, _, exit) = tokio::join!(
                read(stdout, end.clone(), |bytes| task
                    .put_text(Side::Out, &out.push(bytes))),
                read(stderr, end.clone(), |bytes| task
                    .put_text(Side::Err, &err.push(bytes))),
                ended(end.clone()),
            );
            task.put_text(Side::Out, &out.finish());
            task.put_text(Side::Err, &err.finish());
            task.close(exit.map(|exit| (exit, begun.elapsed())));
        });
        Self { queue, guard }
    }

    /// The next event; `None` after the last one.
    ///
    /// # Errors
    /// When the command cannot be followed any further. Nothing comes after it.
    pub async fn next(&mut self) -> Option<Result<ExecEvent, ExecError>> {
        loop {
            let more = self.queue.more.notified();
            if let Some(next) = self.queue.state().take() {
                if matches!(next, Ok(ExecEvent::Exited { .. })) {
                    self.guard.disarm();
                }
                return Some(next);
            }
            if self.queue.state().closed {
                return None;
            }
            more.await;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Out,
    Err,
}

struct Queue {
    state: Mutex<State>,
    more: Notify,
}

struct State {
    waiting: VecDeque<ExecEvent>,
    /// How many bytes of text these have.
    bytes: usize,
    out: Account,
    err: Account,
    truncated: bool,
    failed: Option<ExecError>,
    closed: bool,
}

/// What one of the two outputs has had.
struct Account {
    /// How much more of it is passed on.
    left: usize,
    /// How much was left out since its last piece.
    missing: u64,
}

impl Queue {
    fn new(limit: usize) -> Self {
        let account = || Account {
            left: limit,
            missing: 0,
        };
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            out: account(),
            err: account(),
            truncated: false,
            failed: None,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            more: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, event: ExecEvent) {
        self.state().waiting.push_back(event);
        self.more.notify_one();
    }

    fn put_text(&self, side: Side, text: &str) {
        if !text.is_empty() {
            self.state().put_text(side, text);
            self.more.notify_one();
        }
    }

    fn close(&self, exit: Result<(Exit, Duration), ExecError>) {
        let mut state = self.state();
        state.say_missing(Side::Out);
        state.say_missing(Side::Err);
        match exit {
            Ok((exit, duration)) => {
                let truncated = state.truncated;
                state.waiting.push_back(ExecEvent::Exited {
                    exit_code: exit.code,
                    timed_out: exit.timed_out,
                    truncated,
                    duration,
                });
            }
            Err(error) => state.failed = Some(error),
        }
        state.closed = true;
        drop(state);
        self.more.notify_one();
    }
}

impl State {
    fn take(&mut self) -> Option<Result<ExecEvent, ExecError>> {
        match self.waiting.pop_front() {
            Some(event) => {
                if let ExecEvent::Stdout(text) | ExecEvent::Stderr(text) = &event {
                    self.bytes -= text.len();
                }
                Some(Ok(event))
            }
            None => self.failed.take().map(Err),
        }
    }

    fn account(&mut self, side: Side) -> &mut Account {
        match side {
            Side::Out => &mut self.out,
            Side::Err => &mut self.err,
        }
    }

    fn put_text(&mut self, side: Side, text: &str) {
        let full = self.bytes + text.len() > MAX_WAITING;
        let account = self.account(side);
        if full || text.len() > account.left {
            account.missing += text.len() as u64;
            self.truncated = true;
            return;
        }
        account.left -= text.len();
        self.say_missing(side);
        self.push(side, text);
    }

    fn say_missing(&mut self, side: Side) {
        let missing = std::mem::take(&mut self.account(side).missing);
        if missing > 0 {
            self.push(side, &format!("\n[{missing} bytes left out]\n"));
        }
    }

    /// Adds to the last event, if it is of the same side and small.
    fn push(&mut self, side: Side, text: &str) {
        self.bytes += text.len();
        match (side, self.waiting.back_mut()) {
            (Side::Out, Some(ExecEvent::Stdout(last)))
            | (Side::Err, Some(ExecEvent::Stderr(last)))
                if last.len() + text.len() <= MAX_PIECE =>
            {
                last.push_str(text);
            }
            (Side::Out, _) => self.waiting.push_back(ExecEvent::Stdout(text.to_owned())),
            (Side::Err, _) => self.waiting.push_back(ExecEvent::Stderr(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_does_not_come_costs_a_bounded_amount() {
        let queue = Queue::new(usize::MAX);
        let piece = "x".repeat(1000);
        for _ in 0..100_000 {
            queue.put_text(Side::Out, &piece);
        }
        assert!(queue.state().bytes <= MAX_WAITING);
        let exit = Exit {
            code: 0,
            timed_out: false,
        };
        queue.close(Ok((exit, Duration::ZERO)));
        let mut events = Vec::new();
        while let Some(event) = queue.state().take() {
            events.push(event.unwrap());
        }
        let last = events.pop().unwrap();
        assert!(matches!(
            last,
            ExecEvent::Exited {
                truncated: true,
                ..
            }
        ));
        let left = 100_000_000 - 1000 * (MAX_WAITING as u64 / 1000);
        let marker = format!("\n[{left} bytes left out]\n");
        assert!(
            matches!(&events[events.len() - 1], ExecEvent::Stdout(text) if text.ends_with(&marker))
        );
        assert_eq!(queue.state().bytes, 0);
    }

    #[test]
    fn the_whole_is_bounded_and_the_other_side_goes_on() {
        let queue = Queue::new(5);
        queue.put_text(Side::Out, "abc");
        queue.put_text(Side::Out, "defg");
        queue.put_text(Side::Out, "h");
        queue.put_text(Side::Err, "e");
        let mut state = queue.state();
        let mut next = || state.take().map(Result::unwrap);
        let text = "abc\n[4 bytes left out]\nh".to_owned();
        assert_eq!(next(), Some(ExecEvent::Stdout(text)));
        assert_eq!(next(), Some(ExecEvent::Stderr("e".to_owned())));
        assert_eq!(next(), None);
    }
}
