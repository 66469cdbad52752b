//! Changes as a unified diff, which `git apply` and `patch` read.

use crate::{Change, Changes, FilePath};
use similar::{Algorithm, DiffOp};
use std::fmt::{self, Display, Write as _};

impl Changes {
    /// All changes as one unified diff with git's headers, three lines of context. Bytes of
    /// lines are as in the files, ends like CRLF included.
    #[must_use]
    pub fn unified_diff(&self) -> String {
        let mut diff = String::new();
        for change in self.iter() {
            // Writing to a String does not fail.
            let _ = write_change(&mut diff, change);
        }
        diff
    }
}

/// What became of one file, as [`Changes::unified_diff`] has it; empty where nothing did, and where
/// `path` is none that a patch could have.
#[must_use]
pub fn unified_diff(path: &str, before: Option<&str>, after: Option<&str>) -> String {
    let mut diff = String::new();
    let Ok(path) = FilePath::parse(path, "/") else {
        return diff;
    };
    // Writing to a String does not fail.
    let _ = match (before, after) {
        (None, None) => Ok(()),
        (None, Some(after)) => writeln!(diff, "{}\nnew file mode 100644", header(&path, &path))
            .and_then(|()| write_body(&mut diff, (None, Some(&path)), "", after)),
        (Some(before), None) => write_delete(&mut diff, &path, before),
        (Some(before), Some(after)) => write_update(&mut diff, &path, before, after),
    };
    diff
}

const CONTEXT: usize = 3;

fn write_change(diff: &mut String, change: &Change) -> fmt::Result {
    match change {
        Change::Add {
            path,
            content,
            overwritten: Some(before),
        } => write_update(diff, path, before, content),
        Change::Add { path, content, .. } => {
            writeln!(diff, "{}\nnew file mode 100644", header(path, path))?;
            write_body(diff, (None, Some(path)), "", content)
        }
        Change::Delete { path, content } => write_delete(diff, path, content),
        Change::Update {
            path,
            before,
            after,
        } => write_update(diff, path, before, after),
        // A rename over another file is none that git knows.
        Change::Move {
            from,
            to,
            before,
            after,
            overwritten: Some(old),
        } => {
            write_update(diff, to, old, after)?;
            write_delete(diff, from, before)
        }
        Change::Move {
            from,
            to,
            before,
            after,
            overwritten: None,
        } => {
            writeln!(diff, "{}", header(from, to))?;
            let (from_name, to_name) = (Name("", from), Name("", to));
            writeln!(diff, "rename from {from_name}\nrename to {to_name}")?;
            write_body(diff, (Some(from), Some(to)), before, after)
        }
    }
}

fn write_update(diff: &mut String, path: &FilePath, before: &str, after: &str) -> fmt::Result {
    if before == after {
        return Ok(());
    }
    writeln!(diff, "{}", header(path, path))?;
    write_body(diff, (Some(path), Some(path)), before, after)
}

fn write_delete(diff: &mut String, path: &FilePath, content: &str) -> fmt::Result {
    writeln!(diff, "{}\ndeleted file mode 100644", header(path, path))?;
    write_body(diff, (Some(path), None), content, "")
}

fn header(from: &FilePath, to: &FilePath) -> String {
    format!("diff --git {} {}", Name("a/", from), Name("b/", to))
}

fn write_body(
    diff: &mut String,
    (from, to): (Option<&FilePath>, Option<&FilePath>),
    before: &str,
    after: &str,
) -> fmt::Result {
    let hunks = hunks(before, after, CONTEXT);
    if hunks.is_empty() {
        return Ok(());
    }
    for (mark, folder, path) in [("---", "a/", from), ("+++", "b/", to)] {
        match path {
            // Without the tab a blank would end the name.
            Some(path) if path.as_str().contains(' ') => {
                writeln!(diff, "{mark} {}\t", Name(folder, path))?;
            }
            Some(path) => writeln!(diff, "{mark} {}", Name(folder, path))?,
            None => writeln!(diff, "{mark} /dev/null")?,
        }
    }
    diff.push_str(&hunks);
    Ok(())
}

/// The hunks from one text to another, without headers of files.
pub(crate) fn hunks(before: &str, after: &str, context: usize) -> String {
    let old: Vec<_> = before.split_inclusive('\n').collect();
    let new: Vec<_> = after.split_inclusive('\n').collect();
    let mut diff = String::new();
    let ops = similar::capture_diff_slices(Algorithm::Myers, &old, &new);
    for group in similar::group_diff_ops(ops, context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let old_lines = Span(first.old_range().start, last.old_range().end);
        let new_lines = Span(first.new_range().start, last.new_range().end);
        // Writing to a String does not fail.
        let _ = writeln!(diff, "@@ -{old_lines} +{new_lines} @@");
        for op in &group {
            write_op(&mut diff, op, &old, &new);
        }
    }
    diff
}

fn write_op(diff: &mut String, op: &DiffOp, old: &[&str], new: &[&str]) {
    let mut lines = |mark: char, lines: Option<&[&str]>| {
        for line in lines.unwrap_or_default() {
            diff.push(mark);
            diff.push_str(line);
            if !line.ends_with('\n') {
                diff.push_str("\n\\ No newline at end of file\n");
            }
        }
    };
    if let DiffOp::Equal { .. } = op {
        lines(' ', old.get(op.old_range()));
    } else {
        lines('-', old.get(op.old_range()));
        lines('+', new.get(op.new_range()));
    }
}

/// Lines of a hunk: from the index of the first to that behind the last.
struct Span(usize, usize);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(start, end) = *self;
        match end - start {
            0 => write!(f, "{start},0"),
            1 => write!(f, "{}", start + 1),
            count => write!(f, "{},{count}", start + 1),
        }
    }
}

/// A path as git writes it in headers.
struct Name<'a>(&'static str, &'a FilePath);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(folder, path) = self;
        if !path.as_str().contains(['"', '\\']) {
            return write!(f, "{folder}{path}");
        }
        write!(f, "\"{folder}")?;
        for character in path.as_str().chars() {
            if matches!(character, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('"')
    }
}
