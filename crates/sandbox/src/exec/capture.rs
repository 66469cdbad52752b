//! What is kept of an output: its first and its last part.
//!
//! Invariant: it never holds more than its limit and one piece.

use std::collections::VecDeque;

/// A bounded record of bytes.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// How much the head takes: three quarters.
    head_limit: usize,
    tail_limit: usize,
    /// How many bytes are missing between the two.
    missing: u64,
}

impl Capture {
    pub(super) fn new(limit: usize) -> Self {
        let tail_limit = limit / 4;
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_limit: limit - tail_limit,
            tail_limit,
            missing: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit.saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        let (over, last) = rest.split_at(rest.len().saturating_sub(self.tail_limit));
        let surplus = (self.tail.len() + last.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..surplus.min(self.tail.len()));
        self.tail.extend(last);
        self.missing += (over.len() + surplus) as u64;
    }

    pub(super) fn is_cut(&self) -> bool {
        self.missing > 0
    }

    /// All of it as text; where something is missing a line says how much.
    pub(super) fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.missing == 0 {
            return String::from_utf8_lossy(&[self.head.as_slice(), &tail].concat()).into_owned();
        }
        let head = without_begun(&self.head);
        let tail = without_rest(&tail);
        let cut = (self.head.len() - head.len() + self.tail.len() - tail.len()) as u64;
        format!(
            "{}\n[{} bytes left out]\n{}",
            String::from_utf8_lossy(head),
            self.missing + cut,
            String::from_utf8_lossy(tail)
        )
    }
}

/// Without the beginning of a character at the end.
fn without_begun(bytes: &[u8]) -> &[u8] {
    let end = bytes.len() - super::text::begun(bytes);
    bytes.get(..end).unwrap_or(bytes)
}

/// Without the rest of a character at the beginning.
fn without_rest(bytes: &[u8]) -> &[u8] {
    let rest = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xC0 == 0x80);
    bytes.get(rest.count()..).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_are_kept_however_it_is_cut() {
        let text: String = ('a'..='z').cycle().take(1000).collect();
        for piece in [1, 3, 7, 100, 1000] {
            let mut capture = Capture::new(40);
            for bytes in text.as_bytes().chunks(piece) {
                capture.push(bytes);
                assert!(capture.head.len() + capture.tail.len() <= 40);
            }
            let expected = format!("{}\n[960 bytes left out]\n{}", &text[..30], &text[990..]);
            assert_eq!(capture.text(), expected, "pieces of {piece}");
            assert!(capture.is_cut());
        }
    }

    #[test]
    fn what_fits_is_whole() {
        let mut capture = Capture::new(8);
        capture.push("aé".as_bytes());
        capture.push("é€".as_bytes());
        assert_eq!((capture.text().as_str(), capture.is_cut()), ("aéé€", false));
        capture.push(b"x");
        assert!(capture.is_cut());
    }

    #[test]
    fn a_cut_halves_no_character() {
        for limit in 8..40 {
            let mut capture = Capture::new(limit);
            capture.push("€".repeat(50).as_bytes());
            assert!(!capture.text().contains('\u{FFFD}'), "{}", capture.text());
        }
    }
}
