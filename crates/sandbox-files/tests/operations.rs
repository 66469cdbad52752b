//! What can be done with files, and what it comes to when it cannot.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod given;

use bytes::Bytes;
use futures::stream;
use given::{Given, at, content};
use runner_api::files::{Encoding, Kind, Node};
use rustix::fs::{Mode, OFlags};
use sandbox_files::{ErrorKind, FileError, Quota, Settings, WorkspacePath, measure};
use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
    },
    sync::atomic::AtomicBool,
    time::Instant,
};
use tokio::io::AsyncReadExt as _;

fn kind<T: std::fmt::Debug>(result: Result<T, FileError>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn names(node: &Node) -> Vec<&str> {
    let children = node.children.iter().flatten();
    children.map(|child| child.name.as_str()).collect()
}

#[tokio::test]
async fn what_is_written_is_read_and_can_be_moved_and_deleted() {
    let given = Given::new();
    let workspace = &given.workspace;
    let node = workspace
        .write(&at("/workspace/a/b/file.txt"), content("grüße"))
        .await
        .unwrap();
    assert_eq!(
        (node.name.as_str(), node.path.as_str()),
        ("file.txt", "a/b/file.txt")
    );
    assert_eq!((node.kind, node.size), (Kind::File, 7));
    let file = workspace.read(&at("a/b/file.txt")).await.unwrap();
    assert_eq!(
        (file.content.as_str(), file.encoding),
        ("grüße", Encoding::Utf8)
    );
    assert_eq!((file.size, file.truncated), (7, false));
    assert_eq!(file.modified_at, node.modified_at);
    assert_eq!(workspace.stat(&at("a/b/file.txt")).await.unwrap(), node);

    let grown = workspace
        .append(&at("a/b/file.txt"), content(" und mehr"))
        .await
        .unwrap();
    assert_eq!(grown.size, 16);
    let fresh = workspace
        .append(&at("log/new"), content("first"))
        .await
        .unwrap();
    assert_eq!(fresh.size, 5);

    let moved = workspace
        .rename(&at("a/b/file.txt"), &at("c/d"), false)
        .await
        .unwrap();
    assert_eq!((moved.path.as_str(), moved.size), ("c/d", 16));
    assert_eq!(
        kind(workspace.stat(&at("a/b/file.txt")).await),
        ErrorKind::NotFound
    );

    workspace.make_directory(&at("x/y/z")).await.unwrap();
    workspace.make_directory(&at("x/y/z")).await.unwrap();
    workspace.delete(&at("x"), true).await.unwrap();
    workspace.delete(&at("c/d"), false).await.unwrap();
    workspace.delete(&at("c"), false).await.unwrap();
    assert_eq!(
        names(&workspace.tree(&at(""), 3, true, usize::MAX).await.unwrap()),
        ["a", "log"]
    );
}

/// A file, and a folder with something in it.
async fn file_and_folder() -> Given {
    let given = Given::new();
    given
        .workspace
        .write(&at("file"), content("x"))
        .await
        .unwrap();
    given
        .workspace
        .write(&at("folder/in"), content("x"))
        .await
        .unwrap();
    given
}

#[tokio::test]
async fn what_is_of_another_kind_is_refused() {
    let given = file_and_folder().await;
    let workspace = &given.workspace;
    for (path, read, write, make, delete) in [
        ("nothing", Some(ErrorKind::NotFound), None, None, None),
        (
            "folder",
            Some(ErrorKind::Conflict),
            Some(ErrorKind::Conflict),
            None,
            Some(ErrorKind::Conflict),
        ),
        (
            "",
            Some(ErrorKind::Conflict),
            Some(ErrorKind::Conflict),
            None,
            Some(ErrorKind::InvalidPath),
        ),
        ("file", None, None, Some(ErrorKind::Conflict), None),
    ] {
        let path = at(path);
        let came = |result: Result<(), FileError>| result.err().map(|error| error.kind());
        assert_eq!(
            came(workspace.read(&path).await.map(|_| ())),
            read,
            "{path}"
        );
        assert_eq!(
            came(workspace.write(&path, content("x")).await.map(|_| ())),
            write,
            "{path}"
        );
        if write.is_some() || make.is_some() {
            assert_eq!(
                came(workspace.make_directory(&path).await.map(|_| ())),
                make,
                "{path}"
            );
        }
        assert_eq!(came(workspace.delete(&path, false).await), delete, "{path}");
        assert_eq!(
            came(workspace.delete(&at("nothing"), true).await),
            Some(ErrorKind::NotFound)
        );
    }
    workspace.write(&at("file"), content("x")).await.unwrap();
    assert_eq!(
        kind(workspace.read(&at("file/x")).await),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(workspace.write(&at("file/x"), content("x")).await),
        ErrorKind::Conflict
    );
    assert_eq!(
        kind(workspace.tree(&at("nothing"), 1, true, usize::MAX).await),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn what_is_in_the_way_stops_a_move() {
    let given = file_and_folder().await;
    for (from, to, overwrite, expected) in [
        ("nothing", "x/y", false, ErrorKind::NotFound),
        ("file", "folder/in", false, ErrorKind::Conflict),
        ("folder", "folder/x", false, ErrorKind::InvalidPath),
        ("", "x", true, ErrorKind::InvalidPath),
        ("file", "", true, ErrorKind::InvalidPath),
        ("file", "folder", true, ErrorKind::Conflict),
        ("folder", "file", true, ErrorKind::Conflict),
    ] {
        let moved = given.workspace.rename(&at(from), &at(to), overwrite).await;
        assert_eq!(kind(moved), expected, "{from} to {to}");
    }
    assert!(
        !given.root.join("x").exists(),
        "directories are made for nothing"
    );
    given
        .workspace
        .rename(&at("file"), &at("folder/in"), true)
        .await
        .unwrap();
}

#[tokio::test]
async fn content_that_does_not_arrive_changes_nothing() {
    let given = Given::with(Settings {
        largest_write: 10,
        ..Settings::default()
    });
    let workspace = &given.workspace;
    workspace.write(&at("file"), content("old")).await.unwrap();
    let broken = || {
        stream::iter([
            Ok(Bytes::from_static(b"half")),
            Err(io::Error::other("the line is cut")),
        ])
    };
    assert_eq!(
        kind(workspace.write(&at("file"), broken()).await),
        ErrorKind::Broken
    );
    assert_eq!(
        kind(workspace.append(&at("file"), broken()).await),
        ErrorKind::Broken
    );
    assert_eq!(
        kind(workspace.write(&at("file"), content("eleven byte")).await),
        ErrorKind::TooLarge
    );
    // Nobody waits for it any more.
    let endless = stream::pending::<Result<Bytes, io::Error>>();
    let path = at("file");
    let abandoned = workspace.write(&path, endless);
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(50), abandoned)
            .await
            .is_err()
    );
    assert_eq!(fs::read_to_string(given.root.join("file")).unwrap(), "old");
    assert_eq!(
        fs::read_dir(&given.root).unwrap().count(),
        1,
        "something is left over"
    );
}

#[tokio::test]
async fn appending_writes_into_the_file_that_others_have_open() {
    use std::io::{Read as _, Seek as _};
    let given = Given::new();
    fs::write(given.root.join("log"), "one").unwrap();
    let mut open = fs::File::open(given.root.join("log")).unwrap();
    given
        .workspace
        .append(&at("log"), content(" two"))
        .await
        .unwrap();
    let mut seen = String::new();
    open.rewind().unwrap();
    open.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "one two");
}

#[tokio::test]
async fn a_file_that_is_replaced_keeps_its_mode() {
    let given = Given::new();
    let file = given.root.join("run.sh");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
    given
        .workspace
        .write(&at("run.sh"), content("new"))
        .await
        .unwrap();
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o750);
    assert_eq!(fs::read_to_string(file).unwrap(), "new");
}

#[tokio::test]
async fn long_files_are_cut_between_characters_and_bytes_come_in_ranges() {
    let given = Given::with(Settings {
        longest_read: 10,
        ..Settings::default()
    });
    let workspace = &given.workspace;
    for (written, content, encoding, truncated) in [
        (&b"0123456789"[..], "0123456789", Encoding::Utf8, false),
        (b"0123456789a", "0123456789", Encoding::Utf8, true),
        ("123456789ü".as_bytes(), "123456789", Encoding::Utf8, true),
        (
            b"\xff234567890",
            "/zIzNDU2Nzg5MA==",
            Encoding::Base64,
            false,
        ),
        (
            b"\xff2345678901",
            "/zIzNDU2Nzg5MA==",
            Encoding::Base64,
            true,
        ),
    ] {
        fs::write(given.root.join("file"), written).unwrap();
        let file = workspace.read(&at("file")).await.unwrap();
        let expected = (content, encoding, truncated);
        assert_eq!(
            (file.content.as_str(), file.encoding, file.truncated),
            expected
        );
        assert_eq!(file.size, written.len() as u64);
    }
    fs::write(given.root.join("file"), "0123456789abcdef").unwrap();
    for (start, length, expected) in [
        (0, 4, "0123"),
        (10, 100, "abcdef"),
        (16, 1, ""),
        (99, 1, ""),
    ] {
        let file = workspace.open_file(&at("file")).await.unwrap();
        assert_eq!(file.size, 16);
        let mut bytes = String::new();
        let mut range = file.range(start, length).unwrap();
        range.read_to_string(&mut bytes).await.unwrap();
        assert_eq!(bytes, expected);
    }
}

#[tokio::test]
async fn a_tree_shows_as_much_as_was_asked_for() {
    let given = Given::with(Settings {
        largest_tree: 12,
        ..Settings::default()
    });
    let workspace = &given.workspace;
    fs::create_dir_all(given.root.join("a/b/c")).unwrap();
    fs::create_dir_all(given.root.join("empty")).unwrap();
    fs::write(given.root.join("a/file"), "x").unwrap();
    fs::write(given.root.join("a/.hidden"), "x").unwrap();
    symlink("nowhere", given.root.join("link")).unwrap();
    let tree = workspace.tree(&at(""), 2, false, usize::MAX).await.unwrap();
    assert_eq!((tree.name.as_str(), tree.path.as_str()), ("workspace", ""));
    assert_eq!(names(&tree), ["a", "empty", "link"]);
    let children = tree.children.as_ref().unwrap();
    let a = &children[0];
    assert_eq!(names(a), ["b", "file"]);
    let b = &a.children.as_ref().unwrap()[0];
    assert_eq!(
        (b.path.as_str(), b.children.is_none(), b.truncated),
        ("a/b", true, true)
    );
    assert_eq!(
        (children[1].children.as_deref(), children[1].truncated),
        (Some(&[][..]), false)
    );
    assert_eq!(
        (children[2].kind, children[2].children.is_none()),
        (Kind::Symlink, true)
    );
    assert_eq!(
        names(&workspace.tree(&at("a"), 1, true, usize::MAX).await.unwrap()),
        [".hidden", "b", "file"]
    );
    assert_eq!(
        workspace
            .tree(&at("a/file"), 1, true, usize::MAX)
            .await
            .unwrap()
            .kind,
        Kind::File
    );
    // Of too much the upper levels are whole.
    for number in 0..30 {
        fs::write(given.root.join(format!("a/b/{number}")), "x").unwrap();
    }
    let tree = workspace.tree(&at(""), 16, true, usize::MAX).await.unwrap();
    assert_eq!(names(&tree), ["a", "empty", "link"]);
    let b = &tree.children.as_ref().unwrap()[0]
        .children
        .as_ref()
        .unwrap()[1];
    assert!(
        b.truncated && b.children.as_ref().unwrap().len() == 6,
        "{b:?}"
    );
    // Whoever has little room asks for less.
    let few = workspace.tree(&at(""), 16, true, 2).await.unwrap();
    assert_eq!((names(&few).len(), few.truncated), (2, true));
}

#[tokio::test]
async fn names_that_are_no_text_are_shown_and_go_with_their_directory() {
    let given = Given::new();
    fs::create_dir(given.root.join("folder")).unwrap();
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::write(given.root.join("folder").join(name), "x").unwrap();
    let tree = given
        .workspace
        .tree(&at("folder"), 1, true, usize::MAX)
        .await
        .unwrap();
    assert_eq!(names(&tree), ["caf\u{fffd}"]);
    assert_eq!(
        kind(given.workspace.read(&at("folder/caf\u{fffd}")).await),
        ErrorKind::NotFound
    );
    given.workspace.delete(&at("folder"), true).await.unwrap();
    assert_eq!(fs::read_dir(&given.root).unwrap().count(), 0);
}

#[tokio::test]
async fn a_full_workspace_takes_no_more_until_something_is_deleted() {
    let quota = Quota {
        bytes: 1 << 20,
        files: 10,
    };
    let given = Given::with(Settings {
        quota: Some(quota),
        ..Settings::default()
    });
    let workspace = &given.workspace;
    let large = "x".repeat(700 << 10);
    workspace.write(&at("one"), content(&large)).await.unwrap();
    let full = workspace.write(&at("two"), content(&large)).await;
    assert_eq!(kind(full), ErrorKind::QuotaExceeded);
    assert_eq!(ErrorKind::QuotaExceeded.status(), 507);
    assert!(!given.root.join("two").exists());
    fs::remove_file(given.root.join("one")).unwrap();
    workspace.write(&at("two"), content(&large)).await.unwrap();
    for file in 0..10 {
        fs::write(given.root.join(format!("{file}")), "").unwrap();
    }
    workspace.measure().await.unwrap();
    assert_eq!(
        kind(workspace.make_directory(&at("more")).await),
        ErrorKind::QuotaExceeded
    );
    assert_eq!(
        kind(workspace.write(&at("more"), content("")).await),
        ErrorKind::QuotaExceeded
    );
}

#[tokio::test]
async fn what_is_on_the_disk_is_counted_once() {
    let given = Given::new();
    let never = AtomicBool::new(false);
    fs::create_dir(given.root.join("folder")).unwrap();
    let empty = measure(&given.root, 1000, &never).unwrap();
    fs::write(given.root.join("folder/file"), vec![7; 1 << 20]).unwrap();
    fs::hard_link(given.root.join("folder/file"), given.root.join("again")).unwrap();
    symlink(&given.outside, given.root.join("out")).unwrap();
    let sparse = fs::File::create(given.root.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    fs::File::open(given.root.join("folder/file"))
        .unwrap()
        .sync_all()
        .unwrap();
    let usage = measure(&given.root, 1000, &never).unwrap();
    assert_eq!(usage.files, 5);
    let more = usage.bytes - empty.bytes;
    assert!((1 << 20..(1 << 20) + 65536).contains(&more), "{more}");
    assert!(measure(&given.root, 2, &never).unwrap().partial);
    assert!(
        measure(&given.root, 1000, &AtomicBool::new(true))
            .unwrap()
            .partial
    );
}

/// As root new files are the sandbox's; an ordinary user is told what it may not.
#[tokio::test]
async fn who_owns_what() {
    let given = Given::with(Settings {
        owner: Some((65532, 65533)),
        ..Settings::default()
    });
    given
        .workspace
        .write(&at("a/b/file"), content("x"))
        .await
        .unwrap();
    given
        .workspace
        .append(&at("a/log"), content("x"))
        .await
        .unwrap();
    let me = rustix::process::geteuid().as_raw();
    if me == 0 {
        for path in ["a", "a/b", "a/b/file", "a/log"] {
            let metadata = given.root.join(path).metadata().unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (65532, 65533), "{path}");
        }
        return;
    }
    assert_eq!(given.root.join("a/b/file").metadata().unwrap().uid(), me);
    let closed = given.root.join("a/b");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(
        kind(given.workspace.read(&at("a/b/file")).await),
        ErrorKind::Denied
    );
    assert_eq!(
        kind(given.workspace.write(&at("a/b/new"), content("x")).await),
        ErrorKind::Denied
    );
    assert_eq!(
        kind(given.workspace.delete(&at("a"), true).await),
        ErrorKind::Denied
    );
    assert!(
        given
            .workspace
            .tree(&at("a"), 3, true, usize::MAX)
            .await
            .unwrap()
            .children
            .unwrap()[0]
            .truncated
    );
    assert_eq!(given.workspace.measure().await.unwrap().unreadable, 1);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn the_root_made_again_is_another_workspace() {
    let given = Given::new();
    fs::remove_dir(&given.root).unwrap();
    fs::create_dir(&given.root).unwrap();
    let wrote = given.workspace.write(&at("file"), content("x")).await;
    assert_eq!(kind(wrote), ErrorKind::NotFound);
    assert_eq!(
        kind(given.workspace.make_directory(&at("a/b")).await),
        ErrorKind::NotFound
    );
    assert_eq!(fs::read_dir(&given.root).unwrap().count(), 0);
}

#[tokio::test]
async fn a_tree_of_ten_thousand_files() {
    let given = Given::new();
    let open = |path: std::path::PathBuf| {
        rustix::fs::open(path, OFlags::DIRECTORY, Mode::empty()).unwrap()
    };
    for folder in 0..100 {
        let folder = given.root.join(format!("{folder}"));
        fs::create_dir(&folder).unwrap();
        let folder = open(folder);
        for file in 0..100 {
            let flags = OFlags::CREATE | OFlags::WRONLY;
            rustix::fs::openat(&folder, format!("{file}"), flags, Mode::RWXU).unwrap();
        }
    }
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let tree = given
            .workspace
            .tree(&WorkspacePath::root(), 16, true, usize::MAX)
            .await
            .unwrap();
        times.push(begun.elapsed());
        assert_eq!(tree.children.unwrap().len(), 100);
    }
    times.sort();
    println!(
        "tree of 10,000 files: p50 {:?}, best {:?}",
        times[10], times[0]
    );
    let begun = Instant::now();
    assert_eq!(given.workspace.measure().await.unwrap().files, 10_100);
    println!("measured in {:?}", begun.elapsed());
}
