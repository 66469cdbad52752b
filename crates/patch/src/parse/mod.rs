//! From text to [`Patch`], by recursive descent: a function for each rule of the grammar.
//!
//! Lines that begin with `***` or `@@` are markers, case sensitive; blanks around a marker are
//! tolerated where the line cannot be one of a file.

mod error;
mod lines;

pub use error::{ParseError, Problem};

use crate::{
    FilePath, Patch, Rules,
    hunk::{Action, Anchor, Chunk, ChunkLine, Hunk},
};
use lines::{Line, Lines};

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";
const MOVE: &str = "*** Move to:";
const END_OF_FILE: &str = "*** End of File";

pub(crate) fn parse(text: &str, rules: &Rules) -> Result<Patch, ParseError> {
    let lines = Lines::read(text, &rules.limits)?;
    Parser {
        lines,
        rules,
        chunks: 0,
    }
    .patch()
}

struct Parser<'a> {
    lines: Lines<'a>,
    rules: &'a Rules,
    /// How many there were so far.
    chunks: usize,
}

impl<'a> Parser<'a> {
    fn patch(mut self) -> Result<Patch, ParseError> {
        self.marker(BEGIN, "`*** Begin Patch`")?;
        let mut hunks = Vec::new();
        loop {
            self.lines.skip_blank();
            let line = self.lines.next();
            if line.is_some_and(|line| line.text.trim() == END) {
                break;
            }
            let hunk = self.hunk(line)?;
            if hunks.len() == self.rules.limits.hunks {
                let limit = self.rules.limits.hunks;
                return Err(ParseError::at(hunk.line, Problem::TooMany("hunks", limit)));
            }
            hunks.push(hunk);
        }
        if let Some(line) = self.lines.next() {
            return Err(line.expected("nothing after `*** End Patch`"));
        }
        if hunks.is_empty() {
            return Err(ParseError::NoHunks);
        }
        let limits = self.rules.limits;
        Ok(Patch { hunks, limits })
    }

    fn marker(&mut self, marker: &str, expected: &'static str) -> Result<(), ParseError> {
        match self.lines.next() {
            Some(line) if line.text.trim() == marker => Ok(()),
            other => Err(self.lines.expected(expected, other)),
        }
    }

    fn hunk(&mut self, header: Option<Line<'a>>) -> Result<Hunk, ParseError> {
        const EXPECTED: &str = "`*** Add File: PATH`, `*** Delete File: PATH`, \
                                `*** Update File: PATH` or `*** End Patch`";
        let Some(header) = header else {
            return Err(self.lines.expected(EXPECTED, None));
        };
        let text = header.text.trim();
        if let Some(path) = text.strip_prefix(ADD) {
            let path = self.path(header, path)?;
            let content = self.added()?;
            Ok(header.hunk(path, Action::Add { content }))
        } else if let Some(path) = text.strip_prefix(DELETE) {
            let path = self.path(header, path)?;
            Ok(header.hunk(path, Action::Delete))
        } else if let Some(path) = text.strip_prefix(UPDATE) {
            let path = self.path(header, path)?;
            let move_to = self.move_to()?;
            let chunks = self.chunks()?;
            if chunks.is_empty() {
                return Err(ParseError::at(header.number, Problem::NoChunks(path)));
            }
            Ok(header.hunk(path, Action::Update { move_to, chunks }))
        } else {
            Err(header.expected(EXPECTED))
        }
    }

    fn path(&self, header: Line<'_>, path: &str) -> Result<FilePath, ParseError> {
        FilePath::parse(path.trim(), &self.rules.root)
            .map_err(|error| ParseError::at(header.number, Problem::Path(error)))
    }

    /// The lines of a new file. None makes an empty file.
    fn added(&mut self) -> Result<String, ParseError> {
        let mut content = String::new();
        while let Some(text) = self
            .lines
            .peek()
            .and_then(|line| line.text.strip_prefix('+'))
        {
            content.push_str(text);
            content.push('\n');
            self.lines.next();
        }
        self.lines.skip_blank();
        match self.lines.peek() {
            Some(line) if !line.is_marker() => Err(line.expected(
                "a line of the new file, which begins with `+` even if it is empty, \
                 or the next `*** ` header",
            )),
            _ => Ok(content),
        }
    }

    fn move_to(&mut self) -> Result<Option<FilePath>, ParseError> {
        let Some(line) = self.lines.peek() else {
            return Ok(None);
        };
        let Some(path) = line.text.trim().strip_prefix(MOVE) else {
            return Ok(None);
        };
        self.lines.next();
        self.path(line, path).map(Some)
    }

    fn chunks(&mut self) -> Result<Vec<Chunk>, ParseError> {
        let mut chunks: Vec<Chunk> = Vec::new();
        loop {
            self.lines.skip_blank();
            let Some(line) = self.lines.peek() else {
                return Ok(chunks);
            };
            let anchored = line.text.starts_with("@@");
            match chunks.last() {
                _ if anchored => {}
                None if line.is_of_chunk() => {}
                Some(_) if line.is_of_chunk() => {
                    return Err(line.expected("`@@`, which begins the next chunk"));
                }
                _ if line.text.trim().starts_with(MOVE) => {
                    return Err(line
                        .expected("`*** Move to:` only right below its `*** Update File:`, once"));
                }
                _ if line.is_marker() && line.text.trim() != END_OF_FILE => return Ok(chunks),
                _ => {
                    return Err(line.expected(
                        "`@@`, or a line of the file after ` ` (kept), `-` (removed) or `+` (added)",
                    ));
                }
            }
            if self.chunks == self.rules.limits.chunks {
                let problem = Problem::TooMany("chunks", self.chunks);
                return Err(ParseError::at(line.number, problem));
            }
            self.chunks += 1;
            chunks.push(self.chunk(line)?);
        }
    }

    fn chunk(&mut self, first: Line<'a>) -> Result<Chunk, ParseError> {
        let mut chunk = Chunk {
            line: first.number,
            ..Chunk::default()
        };
        while let Some(line) = self.lines.peek().filter(|line| line.text.starts_with("@@")) {
            self.lines.next();
            chunk.anchors.extend(line.anchor()?);
        }
        if let Some(line) = self.lines.peek() {
            chunk.line = line.number;
        }
        // Empty lines without the blank that marks them as the file's.
        let mut bare = 0;
        while let Some(line) = self.lines.peek() {
            let Some(of_file) = line.of_chunk() else {
                break;
            };
            bare = if line.is_bare() { bare + 1 } else { 0 };
            chunk.lines.push(of_file);
            self.lines.next();
        }
        if let Some(line) = self.lines.peek()
            && line.text.trim() == END_OF_FILE
        {
            self.lines.next();
            chunk.at_end = true;
        } else {
            without_separators(&mut chunk.lines, bare);
        }
        if chunk.lines.is_empty() {
            return Err(ParseError::at(first.number, Problem::EmptyChunk));
        }
        Ok(chunk)
    }
}

/// Where lines are only added, the `bare` empty lines at the end separate the chunk from what
/// follows: as context they would move the addition from the file's end to its first empty line.
fn without_separators(lines: &mut Vec<ChunkLine>, bare: usize) {
    let own = lines.len().saturating_sub(bare);
    if lines.iter().take(own).all(|line| line.old().is_none()) {
        lines.truncate(own);
    }
}

impl<'a> Line<'a> {
    fn hunk(self, path: FilePath, action: Action) -> Hunk {
        Hunk {
            line: self.number,
            path,
            action,
        }
    }

    fn anchor(self) -> Result<Option<Anchor>, ParseError> {
        let text = self.text.strip_prefix("@@").unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(None);
        }
        let Some(text) = text.strip_prefix(' ') else {
            return Err(self.expected("`@@`, or `@@ ` and a whole line of the file"));
        };
        Ok(Some(Anchor {
            line: self.number,
            text: text.to_owned(),
        }))
    }

    fn of_chunk(self) -> Option<ChunkLine> {
        let own = |text: &str| text.to_owned();
        if let Some(text) = self.text.strip_prefix(' ') {
            Some(ChunkLine::Context(own(text)))
        } else if let Some(text) = self.text.strip_prefix('-') {
            Some(ChunkLine::Remove(own(text)))
        } else if let Some(text) = self.text.strip_prefix('+') {
            Some(ChunkLine::Add(own(text)))
        } else {
            self.is_bare().then(|| ChunkLine::Context(String::new()))
        }
    }

    fn is_of_chunk(self) -> bool {
        self.text.starts_with([' ', '-', '+']) || self.is_bare()
    }

    fn is_marker(self) -> bool {
        self.text.trim_start().starts_with("***")
    }
}
