//! What holds for all patches and files.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod edits;
mod text;

use edits::{Edited, edited};
use patch::{Changes, Entry, FileChange, FilePath, Files, Patch};
use proptest::prelude::*;
use text::{any_patch, mutated};

/// What is at the paths of a patch, all others being absent.
fn files_of(patch: &Patch, contents: &[(&str, &[u8])]) -> Files {
    let entry = |path: FilePath| {
        let found = contents.iter().find(|(name, _)| *name == path.as_str());
        let entry = found.map_or(Entry::Absent, |(_, content)| Entry::File(content.to_vec()));
        (path, entry)
    };
    patch.paths().into_keys().map(entry).collect()
}

/// The files with the changes written, each over what it says was there.
fn written(changes: &Changes, files: &Files) -> Files {
    let entry = |content: Option<&str>| match content {
        Some(content) => Entry::File(content.as_bytes().to_vec()),
        None => Entry::Absent,
    };
    let mut files = files.clone();
    for write in changes.writes() {
        let before = files.insert(write.path.clone(), entry(write.after));
        assert_eq!(before, Some(entry(write.before)), "{}", write.path);
    }
    files
}

/// A text after the hunks of a unified diff, which fit to the letter.
fn patched(before: &str, diff: &str) -> String {
    let old: Vec<_> = before.split_inclusive('\n').collect();
    let (mut next, mut after) = (0, String::new());
    let mut lines = diff.split_inclusive('\n').peekable();
    while let Some(head) = lines.next() {
        let spans = head
            .strip_prefix("@@ -")
            .and_then(|head| head.strip_suffix(" @@\n"));
        let (minus, plus) = spans
            .and_then(|spans| spans.split_once(" +"))
            .expect("a head");
        let span = |text: &str| -> (usize, usize) {
            let (start, count) = text.split_once(',').unwrap_or((text, "1"));
            (
                start.parse().expect("a number"),
                count.parse().expect("a number"),
            )
        };
        let ((start, mut removed), (new_start, mut added)) = (span(minus), span(plus));
        let start = start - usize::from(removed > 0);
        after.extend(old[next..start].iter().copied());
        next = start;
        let lines_before = after.split_inclusive('\n').count();
        assert_eq!(lines_before, new_start - usize::from(added > 0), "{head}");
        while removed + added > 0 {
            let line = lines.next().expect("a line of the hunk");
            let none = lines.next_if(|line| line.starts_with('\\')).is_some();
            let (mark, text) = line.split_at(1);
            let text = if none {
                text.trim_end_matches('\n')
            } else {
                text
            };
            if mark != "+" {
                assert_eq!(old[next], text);
                next += 1;
                removed -= 1;
            }
            if mark != "-" {
                after.push_str(text);
                added -= 1;
            }
        }
    }
    after.extend(old[next..].iter().copied());
    after
}

fn check_edited(edited: &Edited) {
    let patch = Patch::parse(&edited.patch).expect("a patch");
    let files = files_of(&patch, &[("a", edited.before.as_bytes())]);
    let changes = patch.apply(&files).expect("it applies");
    let after = written(&changes, &files);
    let path = FilePath::parse("a", "/").expect("a path");
    assert_eq!(after[&path], Entry::File(edited.after.clone().into_bytes()));
    assert_eq!(written(&changes.reverse(), &after), files);

    let FileChange::Update { unified_diff, .. } = &changes.file_changes()["a"] else {
        panic!("an update: {changes:?}");
    };
    assert_eq!(patched(&edited.before, unified_diff), edited.after);
    let diff = changes.unified_diff();
    let hunks = diff.split_inclusive('\n').skip(3).collect::<String>();
    assert_eq!(patched(&edited.before, &hunks), edited.after);
}

/// Whatever a text is, nothing panics; what applies can be undone.
fn check_text(text: &str, contents: &[(&str, &[u8])]) -> Option<Changes> {
    let patch = Patch::parse(text).ok()?;
    let files = files_of(&patch, contents);
    let changes = patch
        .apply(&files)
        .map_err(|error| error.to_string())
        .ok()?;
    let after = written(&changes, &files);
    assert_eq!(written(&changes.reverse(), &after), files);
    assert_eq!(written(&changes.reverse().reverse(), &files), after);
    let (_, _, _) = (
        changes.summary(),
        changes.unified_diff(),
        changes.file_changes(),
    );
    Some(changes)
}

proptest! {
    #[test]
    fn edits_give_the_intended_file(edited in edited()) {
        check_edited(&edited);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), marks in "[-+ @*\\n\\rEOF<a]{0,60}") {
        check_text(&text, &[]);
        check_text(&format!("*** Begin Patch\n*** Update File: a\n{marks}\n*** End Patch"),
            &[("a", b"a\nb\n")]);
    }

    #[test]
    fn mutated_patches_are_read_or_refused(
        (edited, text) in edited().prop_flat_map(|edited| {
            let text = mutated(edited.patch.clone());
            (Just(edited), text)
        }),
    ) {
        check_text(&text, &[("a", edited.before.as_bytes())]);
    }

    #[test]
    fn whatever_applies_can_be_undone(
        text in any_patch(),
        contents in prop::collection::vec(prop::collection::vec("[xyz]", 0..6), 3),
    ) {
        let contents: Vec<_> = contents.iter().map(|lines| lines.join("\n")).collect();
        let names = ["a", "b", "c"];
        let contents: Vec<_> = names
            .iter()
            .zip(&contents)
            .filter(|(_, content)| content.len() != 3)
            .map(|(name, content)| (*name, content.as_bytes()))
            .collect();
        check_text(&text, &contents);
    }

    #[test]
    fn any_bytes_are_patched_or_refused(content in any::<Vec<u8>>(), line in any::<String>()) {
        let line = line.replace(['\n', '\r', '\0'], "");
        let text = format!("*** Begin Patch\n*** Update File: a\n@@\n+{line}\n*** End Patch");
        let changes = check_text(&text, &[("a", &content)]);
        let is_text = std::str::from_utf8(&content).is_ok() && !content.contains(&0);
        prop_assert_eq!(changes.is_some(), is_text);
    }
}
