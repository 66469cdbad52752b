//! The format by tables: each case is applied to a real file tree, and the whole tree is
//! compared afterwards. What applies is also undone, and the tree is as it was.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod envelope;
mod files;
mod line_ends;
mod matching;
mod paths;
mod refusals;
mod tree;

use patch::{Changes, Patch};
use tree::Tree;

/// Files before and after, by path.
type Contents = &'static [(&'static str, &'static str)];

/// What is expected of a patch.
enum Expected {
    /// The files that are other than before, `None` for those that are gone, and the summary
    /// below its first line.
    Changed(
        &'static [(&'static str, Option<&'static str>)],
        &'static str,
    ),
    /// The tree stays as it is, and the error has all these in it.
    Refused(&'static [&'static str]),
}

struct Case {
    name: &'static str,
    before: Contents,
    patch: &'static str,
    /// Whether `*** Begin Patch` and `*** End Patch` are to be put around it.
    wrap: bool,
    expected: Expected,
}

/// Cases in a table.
const fn changed(
    name: &'static str,
    before: Contents,
    patch: &'static str,
    after: &'static [(&'static str, Option<&'static str>)],
    summary: &'static str,
) -> Case {
    Case {
        name,
        before,
        patch,
        wrap: true,
        expected: Expected::Changed(after, summary),
    }
}

const fn refused(
    name: &'static str,
    before: Contents,
    patch: &'static str,
    error: &'static [&'static str],
) -> Case {
    Case {
        name,
        before,
        patch,
        wrap: true,
        expected: Expected::Refused(error),
    }
}

/// The case with its patch as it stands.
const fn as_is(case: Case) -> Case {
    Case {
        wrap: false,
        ..case
    }
}

fn check_all(cases: &[Case]) {
    for case in cases {
        check(case);
    }
}

fn check(case: &Case) {
    let name = case.name;
    let tree = Tree::with(case.before);
    let before = tree.snapshot();
    let wrapped = match case.wrap {
        true => format!("*** Begin Patch\n{}\n*** End Patch", case.patch),
        false => case.patch.to_owned(),
    };
    let applied = apply(&tree, &wrapped);
    match (&case.expected, applied) {
        (Expected::Changed(after, summary), Ok(changes)) => {
            let mut expected = before.clone();
            for (path, content) in *after {
                match content {
                    Some(content) => expected.insert((*path).into(), content.as_bytes().into()),
                    None => expected.remove(*path),
                };
            }
            assert_eq!(tree.snapshot(), expected, "{name}");
            let head = "Success. Updated the following files:\n";
            assert_eq!(changes.summary(), format!("{head}{summary}\n"), "{name}");
            tree.write(&changes.reverse());
            assert_eq!(tree.snapshot(), before, "{name}: undone");
        }
        (Expected::Refused(expected), Err(error)) => {
            assert_eq!(tree.snapshot(), before, "{name}");
            for expected in *expected {
                assert!(
                    error.contains(expected),
                    "{name}: {expected:?} is not in {error}"
                );
            }
        }
        (Expected::Changed(..), Err(error)) => panic!("{name}: {error}"),
        (Expected::Refused(_), Ok(changes)) => panic!("{name}: {changes:?}"),
    }
}

fn apply(tree: &Tree, text: &str) -> Result<Changes, String> {
    let patch = Patch::parse(text).map_err(|error| error.to_string())?;
    let files = tree.read(&patch.paths());
    let changes = patch.apply(&files).map_err(|error| error.to_string())?;
    tree.write(&changes);
    Ok(changes)
}
