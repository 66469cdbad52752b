//! Streams of lines of JSON: a command's events, a run's, a ComfyUI service's.

use super::{Client, refusal};
use crate::{comfy::FollowLine, commands::ExecEvent, runs::Passed};
use domain::Error;
use futures::{Stream, StreamExt, future::select, stream};
use ports::{ByteStream, Clock};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

/// The longest line of a command, in bytes.
const COMMAND_LINE: usize = 1024 * 1024;

/// The longest line of a run: a message twice, every letter escaped, and what its calls are told.
const RUN_LINE: usize = 16 * 1024 * 1024;

/// The longest line of a ComfyUI service: its longest frame, every letter escaped.
const FOLLOW_LINE: usize = 8 * 1024 * 1024;

/// How long the end of a body is waited for after its last line.
const REST: Duration = Duration::from_millis(250);

/// The events of a command, as they happen. The last one is its end, or an error in place of it.
pub type ExecEvents = Pin<Box<dyn Stream<Item = Result<ExecEvent, Error>> + Send>>;

/// The lines of a run, as they come. Where the last has no end, the run goes on without telling.
pub type RunLines = Pin<Box<dyn Stream<Item = Result<Passed, Error>> + Send>>;

/// What is heard of a ComfyUI service, as it comes. The last line has an end, or is an error.
pub type FollowLines = Pin<Box<dyn Stream<Item = Result<FollowLine, Error>> + Send>>;

/// A line, with whatever it may have. Derived from [`ExecEvent`], reading would cost a component
/// tens of kilobytes: what is tagged within is gathered as a whole first.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CommandLine {
    r#type: String,
    id: Option<u64>,
    text: Option<String>,
    exit_code: Option<i32>,
    timed_out: Option<bool>,
    truncated: Option<bool>,
    duration_ms: Option<u64>,
    detail: Option<String>,
}

impl CommandLine {
    /// The event; nothing where a member is missing.
    fn event(self) -> Option<ExecEvent> {
        Some(match self.r#type.as_str() {
            "started" => ExecEvent::Started { id: self.id? },
            "stdout" => ExecEvent::Stdout { text: self.text? },
            "stderr" => ExecEvent::Stderr { text: self.text? },
            "exited" => ExecEvent::Exited {
                exit_code: self.exit_code?,
                timed_out: self.timed_out?,
                truncated: self.truncated?,
                duration_ms: self.duration_ms?,
            },
            "failed" => ExecEvent::Failed {
                detail: self.detail?,
            },
            _ => return None,
        })
    }
}

/// A body, line by line.
struct Lines {
    body: ByteStream,
    clock: Arc<dyn Clock>,
    /// The longest line.
    most: usize,
    /// What came of a line that is not there yet.
    begun: Vec<u8>,
    ready: VecDeque<Result<Vec<u8>, Error>>,
    done: bool,
}

impl Client {
    /// The events of the command in `body`.
    pub(super) fn events(body: ByteStream, clock: &Arc<dyn Clock>) -> ExecEvents {
        let lines = Lines::new(body, clock, COMMAND_LINE);
        Box::pin(stream::unfold(lines, async |mut lines| {
            if lines.done {
                return None;
            }
            let event = match lines.next().await {
                Some(line) => line.and_then(|line| command_event(&line)),
                None => Err(refusal::failed("the stream ended before the command did")),
            };
            lines.done = is_last(&event);
            if lines.done && event.is_ok() {
                lines.finish().await;
            }
            Some((event, lines))
        }))
    }

    /// The lines of the run in `body`.
    pub(super) fn run_lines(body: ByteStream, clock: &Arc<dyn Clock>) -> RunLines {
        let ends = |line: &Passed| line.end.is_some();
        Box::pin(until(Lines::new(body, clock, RUN_LINE), ends))
    }

    /// What is heard of the ComfyUI service in `body`.
    pub(super) fn follow_lines(body: ByteStream, clock: &Arc<dyn Clock>) -> FollowLines {
        let ends = |line: &FollowLine| line.end.is_some();
        Box::pin(until(Lines::new(body, clock, FOLLOW_LINE), ends))
    }
}

/// The lines, up to one that is the last, or an error.
fn until<T: DeserializeOwned + Send>(
    lines: Lines,
    is_last: fn(&T) -> bool,
) -> impl Stream<Item = Result<T, Error>> + Send {
    stream::unfold((lines, is_last), async |(mut lines, is_last)| {
        if lines.done {
            return None;
        }
        let line = lines.next().await?.and_then(|line| {
            serde_json::from_slice(&line).map_err(|error| refusal::malformed(&error))
        });
        lines.done = line.as_ref().map_or(true, is_last);
        if lines.done && line.is_ok() {
            lines.finish().await;
        }
        Some((line, (lines, is_last)))
    })
}

impl Lines {
    fn new(body: ByteStream, clock: &Arc<dyn Clock>, most: usize) -> Self {
        Self {
            body,
            clock: Arc::clone(clock),
            most,
            begun: Vec::new(),
            ready: VecDeque::new(),
            done: false,
        }
    }

    async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            match self.body.next().await? {
                Ok(piece) => self.take(&piece),
                Err(error) => return Some(Err(refusal::failed(error))),
            }
        }
    }

    /// Reads what stands behind the last line, which is nothing but the body's end: only a
    /// connection whose answer was read to its end is used again.
    async fn finish(&mut self) {
        let Self { body, clock, .. } = self;
        let rest = pin!(async { while let Some(Ok(_)) = body.next().await {} });
        select(rest, clock.sleep(REST)).await;
    }

    /// Adds a piece of the body, whose lines are then ready.
    fn take(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if self.begun.len() > self.most {
                let cause = format!("a line over {} bytes", self.most);
                self.ready.push_back(Err(refusal::failed(cause)));
                return;
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.begun);
                if !line.trim_ascii().is_empty() {
                    self.ready.push_back(Ok(line));
                }
            }
        }
    }
}

fn command_event(line: &[u8]) -> Result<ExecEvent, Error> {
    let line: CommandLine =
        serde_json::from_slice(line).map_err(|error| refusal::malformed(&error))?;
    line.event()
        .ok_or_else(|| refusal::failed("a line that is no event"))
}

fn is_last(event: &Result<ExecEvent, Error>) -> bool {
    matches!(
        event,
        Err(_) | Ok(ExecEvent::Exited { .. } | ExecEvent::Failed { .. })
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use bytes::Bytes;
    use platform_native::ManualClock;
    use ports::HttpError;
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        task::Poll,
    };

    const LAST: &str =
        "{\"end\":{\"outcome\":\"succeeded\",\"reason\":\"completed\",\"detail\":\"done\"}}\n";

    /// The lines of a body that has the last line, and `rest`.
    fn lines(
        rest: impl Stream<Item = Result<Bytes, HttpError>> + Send + 'static,
        clock: &ManualClock,
    ) -> RunLines {
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let last = stream::iter([Ok(Bytes::from_static(LAST.as_bytes()))]);
        Client::run_lines(last.chain(rest).boxed(), &clock)
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_end() {
        let read = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&read);
        let rest = stream::poll_fn(move |_| {
            end.store(true, Ordering::Relaxed);
            Poll::Ready(None)
        });
        let mut lines = lines(rest, &ManualClock::new(0));
        assert!(lines.next().await.unwrap().unwrap().end.is_some());
        assert!(read.load(Ordering::Relaxed));
        assert!(lines.next().await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_keeps_the_last_line_for_a_moment() {
        let clock = ManualClock::new(0);
        let mut lines = lines(stream::pending(), &clock);
        let passes = async {
            while clock.sleepers() == 0 {
                tokio::task::yield_now().await;
            }
            clock.advance(REST);
        };
        let (last, ()) = tokio::join!(lines.next(), passes);
        assert!(last.unwrap().unwrap().end.is_some());
    }
}
