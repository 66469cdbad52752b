//! What a source file looks like: about one thing, said at its head, not too long.

use std::env;
use std::path::Path;

use super::tree::{TextFile, Tree};

/// No file is longer.
const LINES: usize = 600;

/// Few files are longer than this.
const MANY: usize = 400;

/// How many those few may be, of a hundred.
const MANY_PERCENT: usize = 10;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "stuff",
];

/// What stands for work not done. Put together here, so that this file has none of them.
const UNDONE: [(&str, &str); 3] = [("todo", "!("), ("unimplemented", "!("), ("#[ign", "ore")];

/// One line about the sizes of the Rust files.
pub(super) fn sizes(tree: &Tree) -> String {
    let lines = lengths(tree);
    let median = lines.get(lines.len() / 2).copied().unwrap_or(0);
    let longest = lines.last().copied().unwrap_or(0);
    format!(
        "{} Rust files: median {median} lines, longest {longest}, {} over {MANY}",
        lines.len(),
        many(&lines)
    )
}

/// The files that break a rule, a line each.
pub(super) fn check(tree: &Tree, root: &Path) -> Vec<String> {
    let mut faults: Vec<String> = tree.rust().flat_map(check_rust).collect();
    faults.extend(
        tree.files
            .iter()
            .flat_map(|file| check_text(file, &machine_paths(root))),
    );
    let lines = lengths(tree);
    if many(&lines) * 100 > lines.len() * MANY_PERCENT {
        faults.push(format!(
            "{} of {} files are over {MANY} lines",
            many(&lines),
            lines.len()
        ));
    }
    faults
}

fn check_rust(file: &TextFile) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |why: String| faults.push(format!("{}: {why}", file.path.display()));
    let lines = file.text.lines().count();
    if lines > LINES {
        fault(format!("{lines} lines; {LINES} are the most"));
    }
    if !has_head(&file.text) {
        fault("no `//!` at its head that says what it is for".to_owned());
    }
    for part in file.path.with_extension("").components() {
        if EMPTY_NAMES.iter().any(|name| part.as_os_str() == *name) {
            fault(format!(
                "`{}` is no name for a thing",
                part.as_os_str().display()
            ));
        }
    }
    for (start, end) in UNDONE {
        let undone = format!("{start}{end}");
        if file.text.contains(&undone) {
            fault(format!("`{undone}` stands for work not done"));
        }
    }
    let sdk = concat!("spin_", "sdk");
    // A guest of edge-host's tests asks the host for what our code would not.
    let may = ["crates/platform-spin", "edge-host/tests/guest"];
    if file.text.contains(sdk) && !may.iter().any(|folder| file.path.starts_with(folder)) {
        fault(format!("only platform-spin names {sdk}"));
    }
    faults
}

/// Paths of the machine that somebody worked on do not belong to the project.
fn check_text(file: &TextFile, machine: &[String]) -> Vec<String> {
    let lines = file.text.lines().enumerate();
    lines
        .filter(|(_, line)| machine.iter().any(|path| line.contains(path.as_str())))
        .map(|(number, _)| {
            format!(
                "{}:{}: a path of this machine",
                file.path.display(),
                number + 1
            )
        })
        .collect()
}

/// Where this checkout lies, and the user's folders of tools.
fn machine_paths(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    // A checkout right below `/` has a path that is also a word; the folder above any checkout may
    // be one that the product itself speaks of.
    if root.components().count() > 2 {
        paths.push(root.display().to_string());
    }
    if let Ok(home) = env::var("HOME") {
        paths.push(format!("{home}/."));
    }
    paths
}

/// Whether a file begins with its own documentation, attributes and blank lines aside.
fn has_head(text: &str) -> bool {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    first.is_some_and(|line| line.starts_with("//!"))
}

fn lengths(tree: &Tree) -> Vec<usize> {
    let mut lines: Vec<_> = tree.rust().map(|file| file.text.lines().count()).collect();
    lines.sort_unstable();
    lines
}

fn many(lines: &[usize]) -> usize {
    lines.iter().filter(|lines| **lines > MANY).count()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn faults(path: &str, text: &str) -> usize {
        check_rust(&TextFile {
            path: PathBuf::from(path),
            text: text.to_owned(),
        })
        .len()
    }

    #[test]
    fn what_a_file_may_be() {
        let fine = "//! About it.\n";
        for (path, text, expected) in [
            ("crates/a/src/session.rs", fine.to_owned(), 0),
            (
                "crates/a/src/session.rs",
                format!("#![allow(dead_code)]\n{fine}"),
                0,
            ),
            ("crates/a/src/session.rs", "mod a;\n".to_owned(), 1),
            ("crates/a/src/utils.rs", fine.to_owned(), 1),
            ("crates/common/src/lib.rs", fine.to_owned(), 1),
            (
                "crates/a/src/a.rs",
                format!("{fine}fn a() {{ {}{}) }}", "todo", "!("),
                1,
            ),
            (
                "crates/a/src/a.rs",
                format!("{fine}use {}{}::x;", "spin_", "sdk"),
                1,
            ),
            (
                "crates/platform-spin/src/a.rs",
                format!("{fine}use {}{}::x;", "spin_", "sdk"),
                0,
            ),
            ("crates/a/src/a.rs", fine.repeat(LINES), 0),
            ("crates/a/src/a.rs", fine.repeat(LINES + 1), 1),
        ] {
            assert_eq!(
                faults(path, &text),
                expected,
                "{path}: {}",
                text.get(..60).unwrap_or(&text)
            );
        }
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        let file = TextFile {
            path: PathBuf::from("a.md"),
            text: "see\n/x/y/main/a\n".to_owned(),
        };
        assert_eq!(
            check_text(&file, &["/x/y/".to_owned()]),
            ["a.md:2: a path of this machine"]
        );
        assert!(check_text(&file, &["/z/".to_owned()]).is_empty());
    }
}
