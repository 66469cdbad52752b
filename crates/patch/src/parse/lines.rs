//! The lines of a patch, out of their wrapping.

use super::{ParseError, Problem};
use crate::Limits;

/// A line without its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Counted from 1 in the text as it came.
    pub(super) number: usize,
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// Nothing, or blanks that do not begin with the one that marks context.
    pub(super) fn is_bare(self) -> bool {
        !self.text.starts_with(' ') && self.text.trim().is_empty()
    }

    pub(super) fn expected(self, expected: &'static str) -> ParseError {
        let found = shown(self.text);
        ParseError::at(self.number, Problem::Expected { expected, found })
    }
}

/// The lines that are still to be read.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: Vec<Line<'a>>,
    at: usize,
    /// The number of the last line.
    last: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn read(text: &'a str, limits: &Limits) -> Result<Self, ParseError> {
        if text.len() > limits.patch_bytes {
            let problem = Problem::TooLarge(limits.patch_bytes);
            return Err(ParseError::at(1, problem));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rest = Vec::new();
        for (index, text) in text.split('\n').enumerate() {
            let number = index + 1;
            if number > limits.patch_lines {
                let problem = Problem::TooMany("lines", limits.patch_lines);
                return Err(ParseError::at(number, problem));
            }
            if text.contains('\0') {
                return Err(ParseError::at(number, Problem::Nul));
            }
            let text = text.strip_suffix('\r').unwrap_or(text);
            rest.push(Line { number, text });
        }
        let last = rest.len();
        let mut lines = Self { rest, at: 0, last };
        lines.trim();
        lines.unwrap_heredoc()?;
        Ok(lines)
    }

    /// A shell's `<<EOF … EOF` around the patch.
    fn unwrap_heredoc(&mut self) -> Result<(), ParseError> {
        let first = self.peek().map(|line| line.text.trim());
        if !matches!(first, Some("<<EOF" | "<<'EOF'" | "<<\"EOF\"")) {
            return Ok(());
        }
        self.next();
        match self.rest.pop() {
            Some(line) if line.text.trim() == "EOF" => {}
            Some(line) => return Err(line.expected("`EOF`, which ends what `<<EOF` began")),
            None => {}
        }
        self.trim();
        Ok(())
    }

    fn trim(&mut self) {
        while self
            .rest
            .last()
            .is_some_and(|line| line.text.trim().is_empty())
        {
            self.rest.pop();
        }
        while self.peek().is_some_and(|line| line.text.trim().is_empty()) {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<Line<'a>> {
        self.rest.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<Line<'a>> {
        let line = self.peek();
        self.at += 1;
        line
    }

    pub(super) fn skip_blank(&mut self) {
        while self.peek().is_some_and(Line::is_bare) {
            self.at += 1;
        }
    }

    /// The error that `found` is not what was expected there.
    pub(super) fn expected(&self, expected: &'static str, found: Option<Line<'_>>) -> ParseError {
        match found {
            Some(line) => line.expected(expected),
            None => ParseError::at(self.last, Problem::Ends(expected)),
        }
    }
}

/// A line as an error shows it.
fn shown(line: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = line.trim().chars().take(MOST).collect();
    if shown.len() < line.trim().len() {
        shown.push('…');
    }
    shown
}
