//! Arbitrary patches over arbitrary files: nothing panics or takes long, and what applies can
//! be undone.
//!
//! From `crates/patch`, after `mkdir -p fuzz/corpus/apply`: `cargo +nightly fuzz run
//! --sanitizer none apply fuzz/corpus/apply fuzz/seeds -- -dict=fuzz/patch.dict`. The input is
//! the text of a patch and the contents of files, each behind a byte 0xFF.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patch::{Changes, Entry, FilePath, Files, Need, Patch, Rules};

fuzz_target!(|data: &[u8]| {
    let mut parts = data.split(|byte| *byte == 0xff);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let contents: Vec<&[u8]> = parts.collect();
    let mut rules = Rules::default();
    rules.limits.steps = 1_000_000;
    let Ok(patch) = Patch::parse_by(&text, &rules) else {
        return;
    };
    let files = files(&patch, &contents);
    match patch.apply(&files) {
        Ok(changes) => check(&changes, &files),
        Err(error) => assert!(error.line <= text.split('\n').count(), "{error}"),
    }
});

/// A path gets a content by its place; without contents there is nothing, or a folder.
fn files(patch: &Patch, contents: &[&[u8]]) -> Files {
    let entry = |(index, (path, need)): (usize, (FilePath, Need))| {
        let content: Option<&[u8]> = contents.get(index % contents.len().max(1)).copied();
        let entry = match content {
            _ if need == Need::Kind => Entry::Folder,
            Some([]) | None => Entry::Absent,
            Some([b'/']) => Entry::Folder,
            Some(content) => Entry::File(content.to_vec()),
        };
        (path, entry)
    };
    patch.paths().into_iter().enumerate().map(entry).collect()
}

fn check(changes: &Changes, files: &Files) {
    let after = written(changes, files);
    let names = after.keys().map(|path| path.as_str());
    for name in names {
        assert!(!name.is_empty() && !name.starts_with('/'), "{name:?}");
        assert!(!name.split('/').any(|part| part == ".."), "{name:?}");
    }
    assert_eq!(written(&changes.reverse(), &after), *files);
    assert_eq!(written(&changes.reverse().reverse(), files), after);
    let lines = changes.summary().lines().count();
    assert_eq!(lines, changes.iter().count() + 1);
    let _ = changes.unified_diff();
    let _ = changes.file_changes();
}

fn written(changes: &Changes, files: &Files) -> Files {
    let mut files = files.clone();
    for write in changes.writes() {
        let entry = |content: Option<&str>| match content {
            Some(content) => Entry::File(content.as_bytes().to_vec()),
            None => Entry::Absent,
        };
        let before = files.insert(write.path.clone(), entry(write.after));
        assert_eq!(before, Some(entry(write.before)), "{}", write.path);
    }
    files
}
