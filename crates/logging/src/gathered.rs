//! Lines that are gathered and written together.
//!
//! A line is appended under a short lock, and a thread of its own writes some times a second what
//! has come: no line asks the kernel for anything or wakes anybody. No line is torn.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Bytes that may wait. Lines beyond them are dropped rather than slow a request down.
const MOST: usize = 4 * 1024 * 1024;

/// How long a line waits until it is written.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long the end of a program waits for its last lines: nobody may read them any more.
const LAST: Duration = Duration::from_secs(1);

/// Bytes that are written at once: as many as a pipe takes in one piece, so that what another
/// program writes into the same one comes between two lines and never into one.
const PIECE: usize = 4096;

/// Lines that wait to be written. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room since this was last told.
    dropped: u64,
    /// Nothing more comes.
    ended: bool,
    /// Nothing more is written.
    written: bool,
}

impl Gathered {
    /// Writes what gathers, until [`end`](Self::end) is called.
    pub(crate) fn write_to(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let (dropped, ended) = self.take(&mut lines);
            write_pieces(&lines, &mut out);
            lines.clear();
            if dropped > 0 {
                tracing::warn!(dropped, "lines of the access log are missing");
            }
            if ended {
                break;
            }
        }
        self.state().written = true;
        self.0.changed.notify_all();
    }

    /// Has what waits written, and waits for it, though not for long.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        self.0.changed.notify_all();
        let _late = self
            .0
            .changed
            .wait_timeout_while(state, LAST, |state| !state.written);
    }

    /// What came within an interval, in the place of the empty `lines`; how many lines were
    /// dropped; and whether that was all.
    fn take(&self, lines: &mut Vec<u8>) -> (u64, bool) {
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.state(), INTERVAL, |state| !state.ended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        mem::swap(lines, &mut state.waiting);
        (mem::take(&mut state.dropped), state.ended)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes each call for one line.
impl Write for Gathered {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        if state.waiting.len() + line.len() > MOST {
            state.dropped += 1;
        } else {
            state.waiting.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_pieces(mut lines: &[u8], out: &mut impl Write) {
    while !lines.is_empty() {
        let (piece, rest) = lines.split_at(first_piece(lines));
        // Where it cannot be written, there is nobody to be told either.
        let _lost = out.write_all(piece);
        lines = rest;
    }
}

/// The bytes of the lines that fit into a piece, or of the first where it is longer.
fn first_piece(lines: &[u8]) -> usize {
    let ends = |byte: &u8| *byte == b'\n';
    let fitting = lines.get(..PIECE).unwrap_or(lines);
    let end = fitting.iter().rposition(ends);
    let end = end.or_else(|| lines.iter().position(ends));
    end.map_or(lines.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came, a call each.
    #[derive(Default)]
    struct Calls(Vec<Vec<u8>>);

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_waits_is_written_at_the_end() {
        let gathered = Gathered::default();
        for line in ["one\n", "two\n"] {
            gathered.clone().write_all(line.as_bytes()).unwrap();
        }
        let writing = gathered.clone();
        let thread = std::thread::spawn(move || {
            let mut calls = Calls::default();
            writing.write_to(&mut calls);
            calls.0
        });
        gathered.end();
        assert_eq!(thread.join().unwrap(), [b"one\ntwo\n"]);
        assert!(gathered.state().written);
    }

    #[test]
    fn pieces_end_where_lines_do() {
        let check = |lines: &[usize], pieces: &[usize]| {
            let all: String = lines
                .iter()
                .map(|length| "x".repeat(length - 1) + "\n")
                .collect();
            let mut calls = Calls::default();
            write_pieces(all.as_bytes(), &mut calls);
            let lengths: Vec<usize> = calls.0.iter().map(Vec::len).collect();
            assert_eq!(lengths, pieces, "{lines:?}");
            assert_eq!(calls.0.concat(), all.as_bytes());
        };
        check(&[], &[]);
        check(&[10, 20], &[30]);
        check(&[2000, 2000, 2000], &[4000, 2000]);
        check(&[4095, 1, 1], &[4096, 1]);
        check(&[5000, 10, 10], &[5000, 20]);
        check(&[10, 5000, 10], &[10, 5000, 10]);
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let mut gathered = Gathered::default();
        let line = [vec![b'x'; MOST / 4 - 1], vec![b'\n']].concat();
        for _ in 0..5 {
            gathered.write_all(&line).unwrap();
        }
        gathered.state().ended = true;
        let mut lines = Vec::new();
        assert_eq!(gathered.take(&mut lines), (1, true));
        assert_eq!(lines.len(), MOST);
        // There is room again.
        gathered.write_all(&line).unwrap();
        lines.clear();
        assert_eq!(gathered.take(&mut lines), (0, true));
        assert_eq!(lines, line);
    }
}
