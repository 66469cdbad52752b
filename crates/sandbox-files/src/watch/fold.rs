//! Too many changes at once, told as changes of directories.

use domain::{ChangeKind, FileChange};
use std::collections::HashSet;

/// At most `most` changes that a reader comes to the same state with: those further down than some
/// level become one change of the directory on that level, which is to be listed again. The level
/// is as deep as can be.
pub(super) fn fold(changes: Vec<FileChange>, most: usize) -> Vec<FileChange> {
    if changes.len() <= most {
        return changes;
    }
    let deepest = changes.iter().map(|change| depth(&change.path)).max();
    for level in (0..deepest.unwrap_or(0)).rev() {
        let folded = at_level(&changes, level);
        if folded.len() <= most || level == 0 {
            return folded;
        }
    }
    vec![FileChange {
        path: String::new(),
        kind: ChangeKind::Modified,
    }]
}

/// How many names a path has.
fn depth(path: &str) -> usize {
    match path {
        "" => 0,
        path => path.split('/').count(),
    }
}

fn at_level(changes: &[FileChange], level: usize) -> Vec<FileChange> {
    let (mut folded, mut told) = (Vec::new(), HashSet::new());
    for change in changes {
        if depth(&change.path) <= level {
            folded.push(change.clone());
            continue;
        }
        let end = change.path.match_indices('/').nth(level.wrapping_sub(1));
        let above = end.and_then(|(at, _)| change.path.get(..at)).unwrap_or("");
        if told.insert(above) {
            folded.push(FileChange {
                path: above.to_owned(),
                kind: ChangeKind::Modified,
            });
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChangeKind::{Created, Deleted, Modified};

    #[test]
    fn many_changes_become_changes_of_their_directories() {
        let check = |changes: &[(&str, ChangeKind)], most, expected: &[(&str, ChangeKind)]| {
            let of = |changes: &[(&str, ChangeKind)]| -> Vec<FileChange> {
                let change = |(path, kind): &(&str, ChangeKind)| FileChange {
                    path: (*path).to_owned(),
                    kind: *kind,
                };
                changes.iter().map(change).collect()
            };
            assert_eq!(fold(of(changes), most), of(expected), "{changes:?}");
        };
        let three = [("a", Deleted), ("b/c", Created), ("b/d", Created)];
        check(&three, 3, &three);
        check(&three, 2, &[("a", Deleted), ("b", Modified)]);
        check(&three, 1, &[("", Modified)]);
        check(
            &[
                ("a/b/c", Created),
                ("a/b/d", Modified),
                ("a/x/y", Deleted),
                ("z", Created),
            ],
            3,
            &[("a/b", Modified), ("a/x", Modified), ("z", Created)],
        );
    }
}
