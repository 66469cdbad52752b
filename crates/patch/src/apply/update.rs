//! One update of one file: each chunk finds its place behind the one before it.

use super::{Reason, error::Mismatch};
use crate::{
    Nearest,
    hunk::{Anchor, Chunk, ChunkLine},
    matching::Matcher,
    nearest::shortened,
    rules::{NoStepsLeft, Steps},
    text::{Edit, Piece, Text},
};

/// Why a chunk does not fit, and the line of the patch.
pub(super) type Misfit = (usize, Reason);

/// The file's content after `chunks`. Lines that a chunk keeps stay as the file has them, also
/// where the patch writes them a little differently.
pub(super) fn update(content: &str, chunks: &[Chunk], steps: &mut Steps) -> Result<String, Misfit> {
    let line = chunks.first().map_or(0, |chunk| chunk.line);
    // Taken apart, and put together again.
    steps
        .take(content.len())
        .map_err(|none| (line, none.into()))?;
    let text = Text::read(content);
    let wanted = chunks.iter().flat_map(|chunk| {
        let anchors = chunk.anchors.iter().map(|anchor| anchor.text.as_str());
        anchors.chain(chunk.lines.iter().filter_map(ChunkLine::old))
    });
    let mut places = Places {
        matcher: Matcher::new(&text.lines, wanted.collect()),
        text: &text,
        next: 0,
        steps,
    };
    let mut edits = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        for anchor in &chunk.anchors {
            places.pass(anchor)?;
        }
        edits.push(places.edit(chunk)?);
    }
    // What is appended comes last, wherever its chunk stands. The order of equals stays.
    edits.sort_by_key(|edit| edit.at);
    Ok(text.write(&edits))
}

struct Places<'a> {
    matcher: Matcher<'a>,
    text: &'a Text<'a>,
    /// The index of the first line that may be matched. It never goes back.
    next: usize,
    steps: &'a mut Steps,
}

impl<'a> Places<'a> {
    fn pass(&mut self, anchor: &Anchor) -> Result<(), Misfit> {
        let misfit = |reason| (anchor.line, reason);
        let wanted = [anchor.text.as_str()];
        let found = self.find(&wanted, false);
        match found.map_err(|none| misfit(none.into()))? {
            Some(at) => {
                self.next = at + 1;
                Ok(())
            }
            None => Err(misfit(match self.mismatch(&wanted, false) {
                Ok(mismatch) => Reason::Anchor(mismatch),
                Err(none) => none.into(),
            })),
        }
    }

    fn edit<'c>(&mut self, chunk: &'c Chunk) -> Result<Edit<'c>, Misfit> {
        let placed = self.place(chunk);
        match placed.map_err(|none| (chunk.line, none.into()))? {
            Some(edit) => Ok(edit),
            None => {
                let wanted: Vec<_> = chunk.lines.iter().filter_map(ChunkLine::old).collect();
                let reason = match self.mismatch(&wanted, chunk.at_end) {
                    Ok(mismatch) => Reason::Lines(mismatch),
                    Err(none) => none.into(),
                };
                Err((chunk.line, reason))
            }
        }
    }

    /// A chunk that ends in empty lines which the file does not have is tried without them:
    /// whoever splits a file at its newlines sees one more line at its end.
    fn place<'c>(&mut self, chunk: &'c Chunk) -> Result<Option<Edit<'c>>, NoStepsLeft> {
        let count = self.text.lines.len();
        let mut lines: Vec<Wanted<'c>> = chunk.lines.iter().map(Wanted::of).collect();
        let mut appends = true;
        loop {
            let old: Vec<_> = lines.iter().filter_map(Wanted::old).collect();
            if old.is_empty() {
                return Ok(appends.then(|| edit(count, &lines)));
            }
            if let Some(at) = self.find(&old, chunk.at_end)? {
                self.next = at + old.len();
                return Ok(Some(edit(at, &lines)));
            }
            // Nothing but empty lines stands for the end of the file only at its end.
            appends = self.next == count;
            if !drop_last_empty(&mut lines) {
                return Ok(None);
            }
        }
    }

    fn find(&mut self, wanted: &[&str], at_end: bool) -> Result<Option<usize>, NoStepsLeft> {
        self.matcher.find(wanted, self.next, at_end, self.steps)
    }

    fn mismatch(&mut self, wanted: &[&str], at_end: bool) -> Result<Mismatch, NoStepsLeft> {
        const SHOWN: usize = 12;
        let search = (self.next, at_end);
        let lines = &self.text.lines;
        let nearest = Nearest::find(&mut self.matcher, lines, wanted, search, self.steps)?;
        let mut shown: Vec<_> = wanted
            .iter()
            .take(SHOWN)
            .map(|line| shortened(line))
            .collect();
        if wanted.len() > SHOWN {
            shown.push(format!("… and {} lines more", wanted.len() - SHOWN));
        }
        Ok(Mismatch {
            wanted: shown,
            after: self.next,
            at_end,
            nearest,
        })
    }
}

/// A line of a chunk, which may be given up.
#[derive(Clone, Copy)]
enum Wanted<'c> {
    Context(&'c str),
    Remove(&'c str),
    Add(&'c str),
}

impl<'c> Wanted<'c> {
    fn of(line: &'c ChunkLine) -> Self {
        match line {
            ChunkLine::Context(text) => Self::Context(text),
            ChunkLine::Remove(text) => Self::Remove(text),
            ChunkLine::Add(text) => Self::Add(text),
        }
    }

    fn old(&self) -> Option<&'c str> {
        match *self {
            Self::Context(text) | Self::Remove(text) => Some(text),
            Self::Add(_) => None,
        }
    }
}

/// Gives up the last line to be matched if it is empty. Returns whether it was.
///
/// As context between others it is what the file is to have, so it is added.
fn drop_last_empty(lines: &mut Vec<Wanted<'_>>) -> bool {
    let Some(at) = lines.iter().rposition(|line| line.old().is_some()) else {
        return false;
    };
    let last = at + 1 == lines.len();
    match lines.get_mut(at) {
        Some(line @ Wanted::Context("")) if !last => *line = Wanted::Add(""),
        Some(Wanted::Context("") | Wanted::Remove("")) => {
            lines.remove(at);
        }
        _ => return false,
    }
    true
}

fn edit<'c>(at: usize, lines: &[Wanted<'c>]) -> Edit<'c> {
    let mut next = at;
    let mut pieces = Vec::with_capacity(lines.len());
    for line in lines {
        match *line {
            Wanted::Context(_) => {
                pieces.push(Piece::Kept(next));
                next += 1;
            }
            Wanted::Remove(_) => next += 1,
            Wanted::Add(text) => pieces.push(Piece::Added(text)),
        }
    }
    let count = next - at;
    Edit { at, count, pieces }
}
