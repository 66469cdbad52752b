//! An incremental decoder of server-sent events (`text/event-stream`).
//!
//! Written here because the crates that do it keep lines of any length: a server that never ends
//! a line would fill the memory. This one follows the standard (LF, CRLF and CR, comments, several
//! `data` lines, a leading byte order mark, invalid UTF-8 replaced) and departs from it twice, for
//! the sake of real servers: an event that the end of the body cuts off is given out by
//! [`Decoder::finish`], and a line `error: …` counts as an event named `error`.
//!
//! Invariant: what comes out does not depend on how the bytes were cut.

use crate::limits;

/// One event: its name (empty unless the server sent one) and its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// The `event` field.
    pub name: String,
    /// The `data` lines, joined by newlines.
    pub data: String,
}

/// A line or an event is longer than the limit; nothing after it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server-sent event is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// Cuts bytes into events. Holds one unfinished event at most.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Vec<u8>,
    name: String,
    data: Option<String>,
    started: bool,
    after_carriage_return: bool,
    overflowed: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(limits::EVENT)
    }
}

impl Decoder {
    /// A decoder whose lines and events may have `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            name: String::new(),
            data: None,
            started: false,
            after_carriage_return: false,
            overflowed: false,
        }
    }

    /// Takes the next bytes of the body and appends the events that they complete to `events`.
    ///
    /// # Errors
    /// [`TooLong`], now and on every later call; events before the fault are in `events`.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<ServerEvent>) -> Result<(), TooLong> {
        let result = self.lines(bytes, events);
        self.overflowed |= result.is_err();
        result
    }

    /// Takes the end of the body: gives the event that no blank line ended, if there is one.
    ///
    /// # Errors
    /// [`TooLong`], as [`Decoder::push`].
    pub fn finish(&mut self) -> Result<Option<ServerEvent>, TooLong> {
        let mut events = Vec::new();
        self.push(b"\n\n", &mut events)?;
        Ok(events.pop())
    }

    fn lines(&mut self, bytes: &[u8], events: &mut Vec<ServerEvent>) -> Result<(), TooLong> {
        if self.overflowed {
            return Err(TooLong(self.limit));
        }
        let mut rest = bytes;
        if self.after_carriage_return && !rest.is_empty() {
            self.after_carriage_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (head, tail) = rest.split_at(end);
            self.keep(head)?;
            let line = std::mem::take(&mut self.line);
            self.end_line(&line, events)?;
            self.line = line;
            self.line.clear();
            rest = self.after_line_end(tail);
        }
        self.keep(rest)
    }

    /// Steps over the line end that `tail` starts with. The LF of a CRLF may be yet to come.
    fn after_line_end<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        match tail {
            [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => rest,
            [b'\r'] => {
                self.after_carriage_return = true;
                &[]
            }
            [_, rest @ ..] => rest,
            [] => &[],
        }
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + part.len() > self.limit {
            return Err(TooLong(self.limit));
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8], events: &mut Vec<ServerEvent>) -> Result<(), TooLong> {
        let first = !std::mem::replace(&mut self.started, true);
        let line = match line.strip_prefix(b"\xEF\xBB\xBF") {
            Some(after_mark) if first => after_mark,
            _ => line,
        };
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            events.extend(self.data.take().map(|data| ServerEvent { name, data }));
            return Ok(());
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = split_field(&line);
        match field {
            "data" => self.add_data(value)?,
            "event" => value.clone_into(&mut self.name),
            "error" => {
                "error".clone_into(&mut self.name);
                self.add_data(value)?;
            }
            // Comments have an empty field name; `id` and `retry` mean nothing to a model's answer.
            _ => {}
        }
        Ok(())
    }

    fn add_data(&mut self, value: &str) -> Result<(), TooLong> {
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + 1 + value.len() > self.limit => {
                return Err(TooLong(self.limit));
            }
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }
}

/// Field and value of a line. Exactly one space after the colon belongs to neither.
fn split_field(line: &str) -> (&str, &str) {
    match line.split_once(':') {
        Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests;
