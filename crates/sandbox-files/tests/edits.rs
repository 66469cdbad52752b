//! Several files changed at once, and what is left when they cannot be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod given;

use given::{Given, at};
use runner_api::files::content_hash;
use sandbox_files::{Edit, ErrorKind, FileError, Quota, Settings};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

fn edit(path: &str, before: Option<&str>, after: Option<&str>) -> Edit {
    Edit {
        path: at(path),
        before: before.map(|text| content_hash(text.as_bytes())),
        after: after.map(|text| text.as_bytes().to_vec()),
        mode_of: None,
    }
}

/// The same for a file that takes another's mode.
fn with_mode_of(other: &str, edit: Edit) -> Edit {
    Edit {
        mode_of: Some(at(other)),
        ..edit
    }
}

fn given() -> Given {
    let given = Given::new();
    fs::write(given.root.join("one"), "1").unwrap();
    fs::write(given.root.join("two"), "2").unwrap();
    given
}

fn text(given: &Given, path: &str) -> Option<String> {
    fs::read_to_string(given.root.join(path)).ok()
}

/// How many names are in the workspace's root.
fn names(given: &Given) -> usize {
    fs::read_dir(&given.root).unwrap().count()
}

#[tokio::test]
async fn all_become_what_they_shall_be() {
    let given = given();
    let mode = fs::Permissions::from_mode(0o750);
    fs::set_permissions(given.root.join("one"), mode).unwrap();
    fs::hard_link(given.root.join("one"), given.outside.join("linked")).unwrap();
    let edits = vec![
        edit("one", Some("1"), Some("uno")),
        edit("two", Some("2"), None),
        edit("new/three", None, Some("3")),
    ];
    given.workspace.edit(edits).await.unwrap();
    assert_eq!(text(&given, "one").as_deref(), Some("uno"));
    assert_eq!(text(&given, "two"), None);
    assert_eq!(text(&given, "new/three").as_deref(), Some("3"));
    assert_eq!(names(&given), 2, "nothing else is left");
    let stat = fs::metadata(given.root.join("one")).unwrap();
    assert_eq!(stat.permissions().mode() & 0o777, 0o750);
    let linked = fs::read_to_string(given.outside.join("linked"));
    assert_eq!(linked.unwrap(), "1", "others keep the old content");
}

#[tokio::test]
async fn what_is_moved_keeps_its_mode() {
    let given = given();
    let mode = |path: &str| {
        let stat = fs::metadata(given.root.join(path)).unwrap();
        stat.permissions().mode() & 0o777
    };
    let script = fs::Permissions::from_mode(0o755);
    fs::set_permissions(given.root.join("one"), script).unwrap();
    let moved = vec![
        with_mode_of("one", edit("new/script", None, Some("uno"))),
        edit("one", Some("1"), None),
    ];
    given.workspace.edit(moved).await.unwrap();
    assert_eq!(text(&given, "new/script").as_deref(), Some("uno"));
    assert_eq!(mode("new/script"), 0o755);
    // Over another file as well, in whatever order.
    let moved = vec![
        edit("new/script", Some("uno"), None),
        with_mode_of("new/script", edit("two", Some("2"), Some("uno"))),
    ];
    given.workspace.edit(moved).await.unwrap();
    assert_eq!(mode("two"), 0o755);
    assert_eq!(text(&given, "new/script"), None);
}

#[tokio::test]
async fn where_one_cannot_be_changed_none_is() {
    let check = async |edits: Vec<Edit>, expected: ErrorKind| {
        let given = given();
        fs::create_dir(given.root.join("folder")).unwrap();
        symlink("one", given.root.join("link")).unwrap();
        symlink(&given.outside, given.root.join("out")).unwrap();
        let shown = format!("{edits:?}");
        let error = given.workspace.edit(edits).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{shown}: {error}");
        assert_eq!(text(&given, "one").as_deref(), Some("1"), "{shown}");
        assert_eq!(text(&given, "two").as_deref(), Some("2"), "{shown}");
        assert_eq!(text(&given, "three"), None, "{shown}");
        assert_eq!(names(&given), 5, "{shown}");
        given.canary_lives();
    };
    let with = |last: Edit| {
        let first = edit("one", Some("1"), Some("uno"));
        vec![first, edit("three", None, Some("3")), last]
    };
    let changed = ErrorKind::Conflict;
    check(with(edit("two", Some("other"), Some("x"))), changed).await;
    check(with(edit("two", None, Some("x"))), changed).await;
    check(with(edit("two", None, None)), changed).await;
    check(with(edit("absent", Some("1"), Some("x"))), changed).await;
    check(with(edit("folder", None, Some("x"))), changed).await;
    check(with(edit("link", Some("1"), Some("x"))), changed).await;
    check(with(edit("two/below", None, Some("x"))), changed).await;
    // Named twice: the second finds what the first has done.
    check(with(edit("one", Some("1"), Some("x"))), changed).await;
    check(with(edit("three", None, Some("x"))), changed).await;
    // Nothing has a mode to take there.
    let new = || edit("four", None, Some("x"));
    check(with(with_mode_of("absent", new())), changed).await;
    check(with(with_mode_of("folder", new())), changed).await;
    check(with(with_mode_of("link", new())), changed).await;
    let invalid = ErrorKind::InvalidPath;
    check(with(edit("out/canary", None, Some("x"))), invalid).await;
}

#[tokio::test]
async fn what_is_full_takes_none() {
    let given = Given::with(Settings {
        quota: Some(Quota {
            bytes: 1 << 20,
            files: 100,
        }),
        ..Settings::default()
    });
    let large = "x".repeat(700 << 10);
    let edits = vec![edit("a", None, Some(&large)), edit("b", None, Some(&large))];
    let error = given.workspace.edit(edits).await.unwrap_err();
    assert!(matches!(error, FileError::QuotaExceeded), "{error}");
    assert_eq!(names(&given), 0);
}
