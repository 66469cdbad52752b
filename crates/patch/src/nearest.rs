//! What the file has where lines were looked for in vain, so that whoever wrote the patch can
//! correct it.

use crate::{
    matching::{Matcher, plain},
    rules::{NoStepsLeft, Steps},
    text::TextLine,
};
use std::{collections::HashMap, fmt};

/// The place in a file that is most like what was looked for. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nearest {
    /// They stand there, but before the place where the search began.
    Before {
        /// Where.
        line: usize,
    },
    /// They stand there, but are not the file's last lines.
    NotAtEnd {
        /// Where.
        line: usize,
        /// How many lines the file has.
        lines: usize,
    },
    /// Some of them stand there.
    Differs {
        /// The first line that is not as wanted.
        line: usize,
        /// It, shortened; `None` behind the file's last line.
        found: Option<String>,
        /// What was wanted there, shortened.
        wanted: String,
    },
    /// None of them stands anywhere, but this line is like one of them.
    Similar {
        /// Where.
        line: usize,
        /// It, shortened.
        found: String,
        /// The wanted line, shortened.
        wanted: String,
    },
}

/// Lines that are looked at: an error is worth no more.
const WANTED: usize = 64;
const LINES: usize = 20_000;
const CHARACTERS: usize = 160;

impl Nearest {
    /// Looks for the place. `from` is the index where the search began.
    pub(crate) fn find(
        matcher: &mut Matcher<'_>,
        lines: &[TextLine<'_>],
        wanted: &[&str],
        (from, at_end): (usize, bool),
        steps: &mut Steps,
    ) -> Result<Option<Self>, NoStepsLeft> {
        if at_end && let Some(at) = matcher.find(wanted, from, false, steps)? {
            return Ok(Some(Self::NotAtEnd {
                line: at + 1,
                lines: lines.len(),
            }));
        }
        if let Some(at) = matcher.find(wanted, 0, false, steps)? {
            return Ok(Some(Self::Before { line: at + 1 }));
        }
        let shown = wanted.get(..WANTED).unwrap_or(wanted);
        let (numbers, wanted_numbers) = matcher.plain_numbers(shown, steps)?;
        Ok(differing(lines, shown, (numbers, &wanted_numbers), from)
            .or_else(|| similar(lines, shown)))
    }
}

/// The place where most of the lines stand, and there the first that does not.
fn differing(
    lines: &[TextLine<'_>],
    wanted: &[&str],
    (numbers, wanted_numbers): (&[u32], &[Option<u32>]),
    from: usize,
) -> Option<Nearest> {
    let mut offsets: HashMap<u32, Vec<usize>> = HashMap::new();
    for (offset, (number, line)) in wanted_numbers.iter().zip(wanted).enumerate() {
        // Lines like `}` stand everywhere.
        if let Some(number) = number.filter(|_| line.chars().any(char::is_alphanumeric)) {
            offsets.entry(number).or_default().push(offset);
        }
    }
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for (at, number) in numbers.iter().enumerate().take(LINES) {
        for offset in offsets.get(number).into_iter().flatten() {
            if let Some(start) = at.checked_sub(*offset) {
                *counts.entry(start).or_default() += 1;
            }
        }
    }
    let best = |(start, count): &(usize, usize)| (*count, *start >= from, usize::MAX - start);
    let (start, _) = counts.into_iter().max_by_key(best)?;
    let differs = |(offset, number): &(usize, &Option<u32>)| {
        number.is_none() || numbers.get(start + offset).copied() != **number
    };
    let (offset, _) = wanted_numbers.iter().enumerate().find(differs)?;
    Some(Nearest::Differs {
        line: start + offset + 1,
        found: lines.get(start + offset).map(|line| shortened(line.text)),
        wanted: shortened(wanted.get(offset)?),
    })
}

/// The line most like the first that says something.
fn similar(lines: &[TextLine<'_>], wanted: &[&str]) -> Option<Nearest> {
    let wanted = wanted
        .iter()
        .find(|line| line.chars().any(char::is_alphanumeric))?;
    let wanted_pairs = Pairs::of(wanted);
    let scored = lines.iter().take(LINES).enumerate().map(|(at, line)| {
        let score = wanted_pairs.likeness(&Pairs::of(line.text));
        (score, at, line.text)
    });
    let best = scored.max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let (_, at, found) = best.filter(|(score, ..)| *score >= 400)?;
    Some(Nearest::Similar {
        line: at + 1,
        found: shortened(found),
        wanted: shortened(wanted),
    })
}

/// The pairs of neighbouring characters of a line, sorted.
struct Pairs(Vec<(char, char)>);

impl Pairs {
    fn of(line: &str) -> Self {
        let line = plain(line);
        let characters = line.chars().take(CHARACTERS);
        let mut pairs: Vec<_> = characters
            .clone()
            .zip(characters.skip(1))
            .filter(|(a, b)| !(a.is_whitespace() && b.is_whitespace()))
            .collect();
        pairs.sort_unstable();
        Self(pairs)
    }

    /// The common part of both, in thousandths (Dice).
    fn likeness(&self, other: &Self) -> usize {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = 0;
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            let order = a.cmp(b);
            common += usize::from(order.is_eq());
            if order.is_le() {
                ours.next();
            }
            if order.is_ge() {
                theirs.next();
            }
        }
        2000 * common / (self.0.len() + other.0.len()).max(1)
    }
}

/// A line as an error shows it.
pub(crate) fn shortened(line: &str) -> String {
    let mut short: String = line.chars().take(CHARACTERS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before { line } => write!(
                f,
                "They stand at line {line}, before that: chunks follow the order of the file"
            ),
            Self::NotAtEnd { line, lines } => write!(
                f,
                "They stand at line {line}, but the file has {lines} lines: \
                 `*** End of File` is for its last lines only, leave it out"
            ),
            Self::Differs {
                line,
                found: Some(found),
                wanted,
            } => write!(
                f,
                "Nearest match: line {line} of the file is `{found}`, the patch has `{wanted}`"
            ),
            Self::Differs {
                line,
                found: None,
                wanted,
            } => write!(
                f,
                "Nearest match: the file ends before line {line}, where the patch has `{wanted}`"
            ),
            Self::Similar {
                line,
                found,
                wanted,
            } => write!(
                f,
                "None of them is in the file. Most like `{wanted}` is its line {line}: `{found}`"
            ),
        }
    }
}
