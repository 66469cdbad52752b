//! Where in a file lines stand: exactly, or else as somebody who copied them may have
//! written them.
//!
//! Each pass sees all lines in a plainer form, and an exact match anywhere comes before a
//! plainer one nearer by. What the patch looks for gets numbers, equal lines equal ones, so a
//! search takes one step for each line of the file, whatever is in them.

use crate::{
    rules::{NoStepsLeft, Steps},
    text::TextLine,
};
use std::{borrow::Cow, collections::HashMap};

/// The forms of a line that are compared, one after the other.
type Form = fn(&str) -> Cow<'_, str>;

const FORMS: [Form; 4] = [
    |line| Cow::Borrowed(line),
    |line| Cow::Borrowed(line.trim_end()),
    |line| Cow::Borrowed(line.trim()),
    plain,
];

/// The lines of one file, and all that is looked for in it.
#[derive(Debug)]
pub(crate) struct Matcher<'a> {
    lines: &'a [TextLine<'a>],
    wanted: Vec<&'a str>,
    passes: [Option<Numbered<'a>>; FORMS.len()],
}

/// The lines in one form, as numbers.
#[derive(Debug)]
struct Numbered<'a> {
    /// The number of each line of the file, [`OTHER`] for what nobody looks for.
    lines: Vec<u32>,
    numbers: HashMap<Cow<'a, str>, u32>,
    /// Whether the file has a line of that number.
    present: Vec<bool>,
}

const OTHER: u32 = u32::MAX;

impl<'a> Matcher<'a> {
    /// `wanted` are all lines that will be looked for.
    pub(crate) fn new(lines: &'a [TextLine<'a>], wanted: Vec<&'a str>) -> Self {
        Self {
            lines,
            wanted,
            passes: Default::default(),
        }
    }

    /// The index of the first line from `from` on where `wanted`, which is not empty, stands.
    /// With `at_end` only the file's last lines count.
    pub(crate) fn find(
        &mut self,
        wanted: &[&str],
        from: usize,
        at_end: bool,
        steps: &mut Steps,
    ) -> Result<Option<usize>, NoStepsLeft> {
        let last = self.lines.len().checked_sub(wanted.len());
        let Some(last) = last.filter(|last| *last >= from) else {
            return Ok(None);
        };
        for pass in 0..FORMS.len() {
            let Some(numbered) = self.pass(pass, steps)? else {
                continue;
            };
            let Some(wanted) = numbered.numbers_of(wanted, pass) else {
                continue;
            };
            let from = if at_end { last } else { from };
            let searched = numbered.lines.get(from..).unwrap_or_default();
            let found = search(searched, &wanted);
            let looked_at = found.map_or(searched.len(), |at| at + wanted.len());
            steps.take(looked_at + wanted.len())?;
            if let Some(at) = found {
                return Ok(Some(from + at));
            }
        }
        Ok(None)
    }

    /// The file's lines and `wanted` in the plainest form, as numbers; `None` for what the
    /// file does not have.
    pub(crate) fn plain_numbers(
        &mut self,
        wanted: &[&str],
        steps: &mut Steps,
    ) -> Result<(&[u32], Vec<Option<u32>>), NoStepsLeft> {
        let Some(numbered) = self.pass(FORMS.len() - 1, steps)? else {
            return Ok((&[], Vec::new()));
        };
        let wanted = wanted
            .iter()
            .map(|line| numbered.numbers.get(&*plain(line)));
        Ok((
            &numbered.lines,
            wanted.map(Option::<&u32>::copied).collect(),
        ))
    }

    fn pass(
        &mut self,
        pass: usize,
        steps: &mut Steps,
    ) -> Result<Option<&Numbered<'a>>, NoStepsLeft> {
        let (Some(slot), Some(form)) = (self.passes.get_mut(pass), FORMS.get(pass)) else {
            return Ok(None);
        };
        if slot.is_none() {
            let bytes = self.lines.iter().map(|line| line.text.len() + 1).sum();
            steps.take(bytes)?;
            *slot = Some(Numbered::new(self.lines, &self.wanted, *form));
        }
        Ok(slot.as_ref())
    }
}

impl<'a> Numbered<'a> {
    fn new(lines: &[TextLine<'_>], wanted: &[&'a str], form: Form) -> Self {
        let mut numbers = HashMap::new();
        for line in wanted {
            let next = u32::try_from(numbers.len()).unwrap_or(OTHER);
            numbers.entry(form(line)).or_insert(next);
        }
        let mut present = vec![false; numbers.len()];
        let mut number = |line: &TextLine<'_>| {
            let number = numbers.get(&*form(line.text)).copied()?;
            *present.get_mut(index(number))? = true;
            Some(number)
        };
        let lines = lines.iter().map(|line| number(line).unwrap_or(OTHER));
        let lines = lines.collect();
        Self {
            lines,
            numbers,
            present,
        }
    }

    /// `None` for a line that the file does not have.
    fn number_of(&self, line: &str, form: Form) -> Option<u32> {
        let number = self.numbers.get(&*form(line)).copied()?;
        let present = self.present.get(index(number)).copied()?;
        present.then_some(number)
    }

    fn numbers_of(&self, wanted: &[&str], pass: usize) -> Option<Vec<u32>> {
        let form = FORMS.get(pass)?;
        wanted
            .iter()
            .map(|line| self.number_of(line, *form))
            .collect()
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Where `wanted` stands in `numbers` (Knuth, Morris, Pratt: each number is looked at once).
fn search(numbers: &[u32], wanted: &[u32]) -> Option<usize> {
    let borders = borders(wanted);
    let mut matched = 0;
    for (at, number) in numbers.iter().enumerate() {
        matched = extend(wanted, &borders, matched, *number);
        if matched == wanted.len() {
            return (at + 1).checked_sub(matched);
        }
    }
    None
}

/// For each beginning of `wanted` the length of the longest shorter one that it ends with.
fn borders(wanted: &[u32]) -> Vec<usize> {
    let mut borders = Vec::with_capacity(wanted.len());
    let mut matched = 0;
    for (at, number) in wanted.iter().enumerate() {
        if at > 0 {
            matched = extend(wanted, &borders, matched, *number);
        }
        borders.push(matched);
    }
    borders
}

/// How much of `wanted` is matched after one more number.
fn extend(wanted: &[u32], borders: &[usize], mut matched: usize, number: u32) -> usize {
    loop {
        if wanted.get(matched) == Some(&number) {
            return matched + 1;
        }
        match matched.checked_sub(1).and_then(|last| borders.get(last)) {
            Some(shorter) => matched = *shorter,
            None => return 0,
        }
    }
}

/// A line without surrounding blanks, typographic characters replaced by what a keyboard has.
pub(crate) fn plain(line: &str) -> Cow<'_, str> {
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    let plain = |character| match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    };
    Cow::Owned(line.chars().map(plain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_forms() {
        assert_eq!(plain("\t“a” – ‘b’\u{a0}c\u{3000}"), "\"a\" - 'b' c");
        assert_eq!(plain("\u{feff}x"), "x");
        assert_eq!(plain("−\u{2009}…"), "- …");
    }

    proptest! {
        #[test]
        fn the_search_finds_what_looking_everywhere_finds(
            numbers in prop::collection::vec(0u32..3, 0..60),
            wanted in prop::collection::vec(0u32..3, 1..6),
        ) {
            let expected = numbers.windows(wanted.len()).position(|window| window == wanted);
            prop_assert_eq!(search(&numbers, &wanted), expected);
        }
    }
}
