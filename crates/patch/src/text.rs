//! A file as lines, each with its own end, so that what a patch does not touch stays byte for
//! byte.

use std::str;

/// Why a file cannot be patched: a patch knows lines of text only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// It begins with the mark of UTF-16.
    #[error("it is UTF-16, and a patch changes UTF-8 only: convert the file first")]
    Utf16,
    /// It has a NUL byte.
    #[error("it is binary (byte {0} is NUL): use a command instead of a patch")]
    Binary(usize),
    /// It has bytes that are no UTF-8.
    #[error("it is not UTF-8 (at byte {0}): convert the file first, or use a command")]
    NotUtf8(usize),
}

/// The text of a file.
///
/// # Errors
/// Where it is none, or not in UTF-8.
pub(crate) fn of_bytes(bytes: &[u8]) -> Result<&str, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(NotText::Utf16);
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(NotText::Binary(at));
    }
    str::from_utf8(bytes).map_err(|error| NotText::NotUtf8(error.valid_up_to()))
}

const BOM: &str = "\u{feff}";

/// A file's lines. Invariant: [`Text::write`] without changes gives the file again, but for an
/// end of its last line.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    bom: bool,
    pub(crate) lines: Vec<TextLine<'a>>,
    /// How lines end that are added: as the file's first does.
    end: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TextLine<'a> {
    pub(crate) text: &'a str,
    /// `None` at the end of a file whose last line has no end.
    end: Option<&'static str>,
}

/// A line of the file to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    /// A line of the present file, by its index.
    Kept(usize),
    Added(&'a str),
}

/// Lines to be put in the place of others.
#[derive(Debug)]
pub(crate) struct Edit<'a> {
    /// The index of the first line that is replaced.
    pub(crate) at: usize,
    /// How many are replaced.
    pub(crate) count: usize,
    pub(crate) pieces: Vec<Piece<'a>>,
}

impl<'a> Text<'a> {
    pub(crate) fn read(content: &'a str) -> Self {
        let (bom, content) = match content.strip_prefix(BOM) {
            Some(rest) => (true, rest),
            None => (false, content),
        };
        let lines: Vec<_> = content.split_inclusive('\n').map(TextLine::read).collect();
        let end = lines.first().and_then(|line| line.end).unwrap_or("\n");
        Self { bom, lines, end }
    }

    /// The file with `edits`, which are in the order of its lines and do not overlap.
    pub(crate) fn write(&self, edits: &[Edit<'_>]) -> String {
        let mut written = String::new();
        let mut next = 0;
        for edit in edits {
            self.keep(&mut written, next..edit.at);
            for piece in &edit.pieces {
                match *piece {
                    Piece::Kept(line) => self.keep(&mut written, line..line + 1),
                    Piece::Added(text) => {
                        // Whoever copies a file's first line may copy its mark as well.
                        let first = written.is_empty() && self.bom;
                        let copied = text.strip_prefix(BOM).filter(|_| first);
                        written.push_str(copied.unwrap_or(text));
                        written.push_str(self.end);
                    }
                }
            }
            next = edit.at + edit.count;
        }
        self.keep(&mut written, next..self.lines.len());
        if self.bom {
            written.insert_str(0, BOM);
        }
        written
    }

    fn keep(&self, written: &mut String, lines: std::ops::Range<usize>) {
        for line in self.lines.get(lines).unwrap_or_default() {
            written.push_str(line.text);
            written.push_str(line.end.unwrap_or(self.end));
        }
    }
}

impl<'a> TextLine<'a> {
    fn read(line: &'a str) -> Self {
        for end in ["\r\n", "\n"] {
            if let Some(text) = line.strip_suffix(end) {
                let end = Some(end);
                return Self { text, end };
            }
        }
        let end = None;
        Self { text: line, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unedited_text_stays_and_ends_its_last_line() {
        let check = |content: &str, expected: &str| {
            assert_eq!(Text::read(content).write(&[]), expected, "{content:?}");
        };
        check("", "");
        check("\n", "\n");
        check("a\r\nb\nc\r\r\n\n", "a\r\nb\nc\r\r\n\n");
        check("\u{feff}a\n", "\u{feff}a\n");
        check("\u{feff}", "\u{feff}");
        check("a\nb", "a\nb\n");
        check("a\r\nb", "a\r\nb\r\n");
        check("a\rb", "a\rb\n");
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert_eq!(of_bytes(b"a\xffb"), Err(NotText::NotUtf8(1)));
        assert_eq!(of_bytes(b"caf\xe9"), Err(NotText::NotUtf8(3)));
        assert_eq!(of_bytes(b"\x7fELF\0\xff"), Err(NotText::Binary(4)));
        assert_eq!(of_bytes(b"\xff\xfea\0"), Err(NotText::Utf16));
        assert_eq!(of_bytes(b"\xfe\xff\0a"), Err(NotText::Utf16));
        assert_eq!(of_bytes("ü".as_bytes()), Ok("ü"));
    }
}
