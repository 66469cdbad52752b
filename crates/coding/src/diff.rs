//! What a room is told of a diff: events are bounded.
//!
//! Invariant: what is told of a file is all of its changes, or a line that says that they are not
//! told. Such a line is none of a diff's, so that `git apply` and `patch` pass over it.

use domain::event::TurnDiff;
use runner_api::checkpoints::Diff;
use std::collections::BTreeSet;

/// The longest diff that is told, in bytes.
const DIFF: usize = 512 << 10;

/// How much of that is left for the lines that stand for files which are not told.
const NOTES: usize = 16 << 10;

/// What the changes of a file begin with.
const FILE: &str = "diff --git ";

/// As much of a diff as a room is told of: the files with the fewest changes first.
#[must_use]
pub fn shown_diff(diff: Diff) -> TurnDiff {
    if diff.unified_diff.len() <= DIFF {
        return TurnDiff {
            unified_diff: diff.unified_diff,
            truncated: diff.truncated,
        };
    }
    let files = files(&diff.unified_diff);
    let mut shortest: Vec<(usize, &str)> = files.iter().copied().enumerate().collect();
    shortest.sort_by_key(|(_, changes)| changes.len());
    let mut left = DIFF - NOTES;
    let fitting = shortest.into_iter().map_while(|(place, changes)| {
        left = left.checked_sub(changes.len())?;
        Some(place)
    });
    let fitting: BTreeSet<usize> = fitting.collect();
    let mut unified_diff = String::new();
    let mut left = NOTES;
    for (place, changes) in files.into_iter().enumerate() {
        if fitting.contains(&place) {
            unified_diff.push_str(changes);
            continue;
        }
        let note = note(changes);
        if let Some(rest) = left.checked_sub(note.len()) {
            left = rest;
            unified_diff.push_str(&note);
        }
    }
    TurnDiff {
        unified_diff,
        truncated: true,
    }
}

/// The changes of each file. Lines of a file's content begin with a mark, so none of them is taken
/// for a file's beginning.
fn files(diff: &str) -> Vec<&str> {
    let mut at = 0;
    let mut places = Vec::new();
    for line in diff.split_inclusive('\n') {
        if line.starts_with(FILE) {
            places.push(at);
        }
        at += line.len();
    }
    places.push(at);
    let pairs = places.windows(2).map(|pair| match pair {
        [from, to] => diff.get(*from..*to).unwrap_or_default(),
        _ => "",
    });
    pairs.collect()
}

/// The line that stands for changes which are not told.
fn note(changes: &str) -> String {
    let first = changes.lines().next().unwrap_or_default();
    let paths = first.strip_prefix(FILE).unwrap_or(first);
    format!("# {paths}: {} bytes are not shown\n", changes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: usize) -> String {
        let head =
            format!("diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -0,0 +1 @@\n");
        format!("{head}+{}\n", "x".repeat(bytes - head.len() - 2))
    }

    fn shown(files: &[&str], truncated: bool) -> TurnDiff {
        shown_diff(Diff {
            unified_diff: files.concat(),
            truncated,
        })
    }

    #[test]
    fn what_fits_is_told_as_it_is() {
        for truncated in [false, true] {
            let [one, two] = [file("one", DIFF - 200), file("two", 200)];
            let told = shown(&[&one, &two], truncated);
            assert_eq!(told.unified_diff, format!("{one}{two}"));
            assert_eq!(told.truncated, truncated);
        }
        assert_eq!(shown(&[], false).unified_diff, "");
    }

    #[test]
    fn whole_files_are_left_out_and_small_ones_are_told_wherever_they_are() {
        let large = file("large file", DIFF);
        let [first, last] = [file("a", 100), file("z", 300)];
        let told = shown(&[&first, &large, &last], false);
        let note = format!("# a/large file b/large file: {DIFF} bytes are not shown\n");
        assert_eq!(told.unified_diff, format!("{first}{note}{last}"));
        assert!(told.truncated);
        // Of two that do not fit together, the smaller one.
        let [smaller, larger] = [file("s", DIFF / 2 - NOTES), file("l", DIFF / 2 + NOTES)];
        let told = shown(&[&larger, &smaller, &last], false);
        assert!(told.unified_diff.starts_with("# a/l b/l: "));
        assert!(told.unified_diff.ends_with(&format!("{smaller}{last}")));
    }

    #[test]
    fn it_is_bounded_however_many_files_there_are() {
        let all: Vec<_> = (0..3_000).map(|n| file(&format!("f{n}"), 1_000)).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let told = shown(&all, false);
        assert!(told.unified_diff.len() <= DIFF);
        assert!(
            told.unified_diff
                .starts_with(all.concat().get(..1_000).unwrap_or("?"))
        );
        assert!(told.unified_diff.ends_with(" bytes are not shown\n"));
    }

    /// What a file says is not where another begins.
    #[test]
    fn content_is_no_header() {
        let odd = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-diff --git a/y b/y\n+\n";
        assert_eq!(files(&format!("{odd}{odd}")), [odd, odd]);
    }
}
