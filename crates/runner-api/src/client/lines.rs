//! A streamed command: a line of JSON for each event.

use super::{Client, refusal};
use crate::commands::ExecEvent;
use domain::Error;
use futures::{Stream, StreamExt, stream};
use ports::ByteStream;
use serde::Deserialize;
use std::{collections::VecDeque, pin::Pin};

/// The longest line, in bytes.
const LINE_MAX_BYTES: usize = 1024 * 1024;

/// The events of a command, as they happen. The last one is its end, or an error in place of it.
pub type ExecEvents = Pin<Box<dyn Stream<Item = Result<ExecEvent, Error>> + Send>>;

/// A line, with whatever it may have. Derived from [`ExecEvent`], reading would cost a component
/// tens of kilobytes: what is tagged within is gathered as a whole first.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    r#type: String,
    id: Option<u64>,
    text: Option<String>,
    exit_code: Option<i32>,
    timed_out: Option<bool>,
    truncated: Option<bool>,
    duration_ms: Option<u64>,
    detail: Option<String>,
}

impl Line {
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

struct Lines {
    body: ByteStream,
    /// What came of a line that is not there yet.
    begun: Vec<u8>,
    ready: VecDeque<Result<ExecEvent, Error>>,
    done: bool,
}

impl Client {
    /// The events in `body`.
    pub(super) fn events(body: ByteStream) -> ExecEvents {
        let lines = Lines {
            body,
            begun: Vec::new(),
            ready: VecDeque::new(),
            done: false,
        };
        Box::pin(stream::unfold(lines, async |mut lines| {
            let event = lines.next().await?;
            Some((event, lines))
        }))
    }
}

impl Lines {
    async fn next(&mut self) -> Option<Result<ExecEvent, Error>> {
        loop {
            if self.done {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                self.done = is_last(&event);
                return Some(event);
            }
            match self.body.next().await {
                Some(Ok(piece)) => self.take(&piece),
                Some(Err(error)) => self.ready.push_back(Err(refusal::failed(error))),
                None => {
                    let cause = "the stream ended before the command did";
                    self.ready.push_back(Err(refusal::failed(cause)));
                }
            }
        }
    }

    /// Adds a piece of the body, whose lines are then ready.
    fn take(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if self.begun.len() > LINE_MAX_BYTES {
                let cause = format!("a line over {LINE_MAX_BYTES} bytes");
                self.ready.push_back(Err(refusal::failed(cause)));
                return;
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.begun);
                if !line.trim_ascii().is_empty() {
                    self.ready.push_back(read(&line));
                }
            }
        }
    }
}

fn read(line: &[u8]) -> Result<ExecEvent, Error> {
    let line: Line = serde_json::from_slice(line).map_err(|error| refusal::malformed(&error))?;
    line.event()
        .ok_or_else(|| refusal::failed("a line that is no event"))
}

fn is_last(event: &Result<ExecEvent, Error>) -> bool {
    matches!(
        event,
        Err(_) | Ok(ExecEvent::Exited { .. } | ExecEvent::Failed { .. })
    )
}
