//! Edits of several files: all of them or none, whatever breaks on the way.

use super::*;
use crate::{Settings, turn::WAITING};
use std::{collections::BTreeMap, fs, path::Path};

/// All files below a folder, those with names of unfinished ones too.
fn files(root: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().display().to_string();
            all.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    all
}

fn edits() -> Vec<Edit> {
    let edit = |path: &str, before: Option<&str>, after: Option<&str>| Edit {
        path: WorkspacePath::of_part(path),
        before: before.map(|text| content_hash(text.as_bytes())),
        after: after.map(|text| text.as_bytes().to_vec()),
        mode_of: None,
    };
    vec![
        edit("src/changed", Some("one"), Some("two")),
        edit("new/folder/made", None, Some("made")),
        edit("src/gone", Some("gone"), None),
        edit("never", None, None),
    ]
}

/// An edit whose process dies after `steps` of its steps, and `committed` or not, and what the
/// next process makes of it.
fn killed(steps: usize, committed: bool) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("workspace");
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src/changed"), "one").unwrap();
    fs::write(root.join("src/gone"), "gone").unwrap();
    let settings = Settings {
        journal: Some(folder.path().join("edit.json")),
        ..Settings::default()
    };
    let workspace = crate::Workspace::open(&root, settings.clone()).unwrap();
    let inner = workspace.inner();
    let prepared = edits().into_iter().map(|edit| {
        let there = expect(inner, &edit).unwrap();
        Step::prepare(inner, edit, there).unwrap()
    });
    let mut prepared: Vec<Step> = prepared.collect();
    let notes: Vec<Note> = prepared.iter().map(|step| step.note().clone()).collect();
    let journal = journal_of(inner);
    journal.begin(&notes).unwrap();
    for step in prepared.iter_mut().take(steps) {
        step.take().unwrap();
    }
    if committed {
        journal.commit().unwrap();
    }
    drop(prepared);
    drop(workspace);
    crate::Workspace::open(&root, settings).unwrap();
    let beside: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    files(&root)
}

#[test]
fn an_edit_whose_process_dies_is_done_or_never_was() {
    let tree = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        files.iter().map(own).collect()
    };
    let before = tree(&[("src/changed", "one"), ("src/gone", "gone")]);
    for steps in 0..=edits().len() {
        assert_eq!(killed(steps, false), before, "after {steps} steps");
    }
    let after = tree(&[("src/changed", "two"), ("new/folder/made", "made")]);
    assert_eq!(killed(edits().len(), true), after);
}

#[tokio::test]
async fn only_so_many_wait_to_edit() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = crate::Workspace::open(folder.path(), Settings::default()).unwrap();
    let turn = workspace.inner().editing.take().await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        let mut next = Box::pin(workspace.edit(Vec::new()));
        assert!(futures::poll!(&mut next).is_pending());
        waiting.push(next);
    }
    let refused = workspace.edit(Vec::new()).await.unwrap_err();
    assert!(matches!(refused, FileError::Busy(_)), "{refused}");
    drop(turn);
    for next in waiting {
        next.await.unwrap();
    }
}

#[test]
fn a_journal_that_was_not_written_to_its_end_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("workspace");
    fs::create_dir(&root).unwrap();
    let file = folder.path().join("edit.json");
    fs::write(&file, "[{\"above\":\"sr").unwrap();
    let settings = Settings {
        journal: Some(file.clone()),
        ..Settings::default()
    };
    crate::Workspace::open(&root, settings).unwrap();
    assert!(!file.exists());
}

#[test]
fn a_file_that_changes_before_its_turn_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "seen").unwrap();
    let workspace = crate::Workspace::open(folder.path(), Settings::default()).unwrap();
    let inner = workspace.inner();
    let edit = Edit {
        path: WorkspacePath::of_part("file"),
        before: Some(content_hash(b"seen")),
        after: Some(b"mine".to_vec()),
        mode_of: None,
    };
    let there = expect(inner, &edit).unwrap();
    let mut step = Step::prepare(inner, edit, there).unwrap();
    fs::write(&file, "theirs").unwrap();
    let error = step.take().unwrap_err();
    assert!(matches!(error, FileError::Changed(_)), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
}
