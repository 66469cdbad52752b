//! From the bytes of a body to events: finds out what kind of body it is, cuts it, has it
//! interpreted. Knows nothing of sockets or time.

use crate::{
    Error, Event,
    chunk::{self, Chunk},
    failure,
    interpret::Interpreter,
    limits,
    sse::{Decoder, ServerEvent},
};
use std::collections::VecDeque;

/// Reads one body.
#[derive(Debug)]
pub(crate) struct Reader {
    kind: Kind,
    interpreter: Interpreter,
    done: bool,
    size: usize,
}

/// What a body turned out to be. The first byte that is not blank tells, whatever was asked for and
/// whatever the `Content-Type` says: some servers answer a request to stream with one JSON text.
#[derive(Debug)]
enum Kind {
    Unknown,
    Events(Decoder),
    Whole(Vec<u8>),
}

/// What a push brought besides events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing but signs of life: blank lines, comments.
    KeepAlive,
    /// Pieces of the answer, be they empty.
    Pieces,
}

impl Reader {
    pub(crate) fn new(seed: i64) -> Self {
        Self {
            kind: Kind::Unknown,
            interpreter: Interpreter::new(seed),
            done: false,
            size: 0,
        }
    }

    /// Whether the server said that nothing follows.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the model finished, though the server may still add the usage.
    pub(crate) fn is_finished(&self) -> bool {
        self.interpreter.is_finished()
    }

    /// Takes the next bytes. What they complete is in `events`, also when there is an error.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        events: &mut VecDeque<Event>,
    ) -> Result<Progress, Error> {
        self.size = self.size.saturating_add(bytes.len());
        check_limit(self.size, "the stream", limits::STREAM)?;
        let bytes = match self.kind {
            Kind::Unknown => self.recognise(bytes)?,
            Kind::Events(_) | Kind::Whole(_) => bytes,
        };
        match &mut self.kind {
            Kind::Unknown => Ok(Progress::KeepAlive),
            Kind::Whole(text) => {
                check_limit(text.len() + bytes.len(), "the answer", limits::WHOLE)?;
                text.extend_from_slice(bytes);
                Ok(Progress::Pieces)
            }
            Kind::Events(decoder) => {
                let mut pieces = Vec::new();
                let result = decoder.push(bytes, &mut pieces);
                let progress = match pieces.is_empty() {
                    true => Progress::KeepAlive,
                    false => Progress::Pieces,
                };
                for piece in pieces {
                    self.piece(&piece, events)?;
                }
                if !self.done {
                    result?;
                }
                Ok(progress)
            }
        }
    }

    /// Takes the end of the body.
    pub(crate) fn end(&mut self, events: &mut VecDeque<Event>) -> Result<(), Error> {
        if self.done {
            return Ok(());
        }
        match std::mem::replace(&mut self.kind, Kind::Unknown) {
            Kind::Unknown => return Err(Error::Truncated),
            Kind::Whole(text) => {
                let chunk: Chunk = chunk::read(&text).map_err(cut_off)?;
                let is_answer = chunk.choice.is_some();
                self.interpreter.chunk(chunk, events)?;
                if !is_answer {
                    return Err(Error::malformed("an answer without a choice"));
                }
            }
            Kind::Events(mut decoder) => {
                if let Some(piece) = decoder.finish()? {
                    self.piece(&piece, events).map_err(cut_off)?;
                }
                if self.done {
                    return Ok(());
                }
                if !self.is_finished() {
                    return Err(Error::Truncated);
                }
            }
        }
        self.complete(events)
    }

    /// The model finished and nothing more is worth waiting for.
    pub(crate) fn complete(&mut self, events: &mut VecDeque<Event>) -> Result<(), Error> {
        self.done = true;
        self.interpreter.complete(events)
    }

    fn recognise<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(byte);
        let start = bytes.iter().position(|byte| !is_blank(byte));
        let bytes = start
            .and_then(|start| bytes.get(start..))
            .unwrap_or_default();
        match bytes.first() {
            None => {}
            Some(b'{') => self.kind = Kind::Whole(Vec::new()),
            Some(b'<') => return Err(Error::malformed("a web page instead of an answer")),
            Some(b'[') => return Err(Error::malformed("a JSON list instead of an answer")),
            Some(_) => self.kind = Kind::Events(Decoder::default()),
        }
        Ok(bytes)
    }

    fn piece(&mut self, piece: &ServerEvent, events: &mut VecDeque<Event>) -> Result<(), Error> {
        let data = piece.data.trim();
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            return self.complete(events);
        }
        if piece.name == "error" {
            return Err(Error::InStream {
                message: failure::message_in_body(data.as_bytes()),
            });
        }
        self.interpreter
            .chunk(chunk::read(data.as_bytes())?, events)
    }
}

/// What cannot be read of the last piece, which nothing ended, was cut off.
fn cut_off(error: Error) -> Error {
    match error {
        Error::Malformed { .. } => Error::Truncated,
        other => other,
    }
}

fn check_limit(size: usize, what: &'static str, limit: usize) -> Result<(), Error> {
    match size > limit {
        true => Err(Error::TooLong { what, limit }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
