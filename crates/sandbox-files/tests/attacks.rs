//! Whatever a sandbox makes of its workspace, nothing outside is read or changed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod given;

use futures::StreamExt as _;
use given::{CANARY, Given, at, content, race};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, makedev, mknodat, renameat_with};
use sandbox_files::{ErrorKind, FileError, Format, Watcher, WorkspacePath};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt as _, time::timeout};

/// Every operation on one path; what each came to.
async fn everything(given: &Given, path: &WorkspacePath) -> Vec<(&'static str, Option<FileError>)> {
    let workspace = &given.workspace;
    let own = at("own-file");
    workspace.write(&own, content("own")).await.unwrap();
    let mut came_to = Vec::new();
    let mut note = |what, result: Result<(), FileError>| came_to.push((what, result.err()));
    note(
        "tree",
        workspace
            .tree(path, 16, true, usize::MAX)
            .await
            .map(|tree| {
                assert!(!format!("{tree:?}").contains("canary"), "{tree:?}");
            }),
    );
    note("stat", workspace.stat(path).await.map(|_| ()));
    note(
        "read",
        workspace
            .read(path)
            .await
            .map(|file| assert_ne!(file.content, CANARY)),
    );
    note(
        "bytes",
        match workspace.open_file(path).await {
            Err(error) => Err(error),
            Ok(file) => {
                let mut bytes = String::new();
                file.whole()
                    .unwrap()
                    .read_to_string(&mut bytes)
                    .await
                    .unwrap();
                assert_ne!(bytes, CANARY);
                Ok(())
            }
        },
    );
    note(
        "append",
        workspace.append(path, content("attack")).await.map(|_| ()),
    );
    note(
        "directory",
        workspace.make_directory(path).await.map(|_| ()),
    );
    note(
        "archive",
        match workspace.archive(path, Format::Zip).await {
            Err(error) => Err(error),
            Ok(mut archive) => {
                let mut failed = None;
                while let Some(piece) = archive.next().await {
                    match piece {
                        Ok(piece) => assert!(!piece.windows(6).any(|part| part == b"canary")),
                        Err(error) => failed = Some(error),
                    }
                }
                failed.map_or(Ok(()), Err)
            }
        },
    );
    note(
        "write",
        workspace.write(path, content("attack")).await.map(|_| ()),
    );
    note(
        "move to",
        workspace.rename(&own, path, true).await.map(|_| ()),
    );
    note("delete", workspace.delete(path, true).await);
    given.canary_lives();
    came_to
}

#[tokio::test]
async fn symlinks_that_lead_out_lead_nowhere() {
    let given = Given::new();
    let outside = given.outside.display().to_string();
    let root = given.root.display().to_string();
    for (target, path) in [
        (outside.clone(), "link/canary"),
        (format!("{outside}/canary"), "link"),
        ("../outside".to_owned(), "link/canary"),
        ("../outside/canary".to_owned(), "link"),
        ("inner/../../outside/canary".to_owned(), "link"),
        (format!("/proc/self/root{outside}"), "link/canary"),
        (
            format!("/proc/self/cwd/../../../../../..{outside}"),
            "link/canary",
        ),
        // Also where it would come back in: who may say what is out there?
        (format!("{root}/inner"), "link/file"),
        ("../root/inner".to_owned(), "link/file"),
        ("/dev".to_owned(), "link/null"),
        ("/proc/self/fd".to_owned(), "link/0"),
    ] {
        let link = given.root.join("link");
        let _ = fs::remove_file(&link).or_else(|_| fs::remove_dir_all(&link));
        fs::create_dir_all(given.root.join("inner")).unwrap();
        symlink(&target, &link).unwrap();
        for (what, error) in everything(&given, &at(path)).await {
            // The link itself may be looked at, replaced and deleted.
            let itself = path == "link" && ["stat", "move to", "delete"].contains(&what);
            let gone = path == "link"
                && error
                    .as_ref()
                    .is_none_or(|e| e.kind() == ErrorKind::NotFound);
            let refused = error
                .as_ref()
                .is_some_and(|error| error.kind() == ErrorKind::InvalidPath);
            assert!(
                refused || itself || gone,
                "{target} {path} {what}: {error:?}"
            );
        }
        let words = given
            .workspace
            .read(&at(path))
            .await
            .map_err(|error| error.to_string());
        assert!(
            !format!("{words:?}").contains(&outside),
            "an answer names a path of the host"
        );
    }
}

#[tokio::test]
async fn relative_symlinks_inside_are_followed() {
    let given = Given::new();
    let workspace = &given.workspace;
    fs::create_dir_all(given.root.join("a/b")).unwrap();
    fs::write(given.root.join("a/file"), "old").unwrap();
    symlink("../file", given.root.join("a/b/link")).unwrap();
    symlink("a/b", given.root.join("short")).unwrap();
    symlink("short/link", given.root.join("chain")).unwrap();
    symlink("a/dangling", given.root.join("dangling")).unwrap();
    symlink("loop", given.root.join("loop")).unwrap();
    symlink(".", given.root.join("dot")).unwrap();
    for path in ["short/link", "chain", "a/b/link", "dot/dot/chain"] {
        assert_eq!(
            workspace.read(&at(path)).await.unwrap().content,
            fs::read_to_string(given.root.join("a/file")).unwrap()
        );
        workspace.write(&at(path), content(path)).await.unwrap();
        assert_eq!(fs::read_to_string(given.root.join("a/file")).unwrap(), path);
        assert!(given.root.join("a/b/link").is_symlink());
    }
    workspace
        .write(&at("dangling"), content("made"))
        .await
        .unwrap();
    assert_eq!(
        fs::read_to_string(given.root.join("a/dangling")).unwrap(),
        "made"
    );
    for error in [
        workspace.read(&at("loop")).await.unwrap_err(),
        workspace
            .write(&at("loop"), content("x"))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidPath);
    }
    // A tree and an archive do not go round in circles.
    let tree = workspace.tree(&at(""), 16, true, usize::MAX).await.unwrap();
    assert_eq!(tree.children.unwrap().len(), 6);
}

/// A name that is now a directory and now a symlink out of the workspace.
#[test]
fn a_symlink_swapped_all_the_time_never_leads_out() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let given = Given::new();
    let (real, link) = (given.root.join("swapped"), given.root.join("link"));
    fs::create_dir(&real).unwrap();
    fs::write(real.join("canary"), "inside").unwrap();
    symlink(&given.outside, &link).unwrap();
    let (over, swaps) = (AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    let (mut read, mut refused, mut wrote) = (0_u64, 0_u64, 0_u64);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &real, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        let work = async {
            let (_watch, mut changes) = Watcher::default().watch(&given.workspace).await.unwrap();
            let begun = Instant::now();
            while begun.elapsed() < race() {
                let workspace = &given.workspace;
                match workspace.read(&at("swapped/canary")).await {
                    Ok(file) => {
                        assert_ne!(file.content, CANARY);
                        read += 1;
                    }
                    Err(_) => refused += 1,
                }
                let path = format!("swapped/{}/new", wrote % 8);
                if workspace.write(&at(&path), content("attack")).await.is_ok() {
                    wrote += 1;
                }
                let _ = workspace
                    .append(&at("swapped/canary"), content("attack"))
                    .await;
                let _ = workspace
                    .delete(&at(&format!("swapped/{}", wrote % 8)), true)
                    .await;
                let _ = workspace
                    .rename(&at("swapped/canary"), &at("swapped/moved"), true)
                    .await;
                let _ = workspace
                    .rename(&at("swapped/moved"), &at("swapped/canary"), true)
                    .await;
                let tree = workspace.tree(&at("swapped"), 4, true, usize::MAX).await;
                if let Ok(tree) = tree {
                    let canaries = format!("{tree:?}").matches("name: \"canary\"").count();
                    let inside = tree
                        .children
                        .iter()
                        .flatten()
                        .filter(|node| node.name == "canary");
                    assert!(
                        inside.clone().all(|node| node.size != CANARY.len() as u64),
                        "{canaries}"
                    );
                }
                if let Ok(mut archive) = workspace.archive(&at(""), Format::TarGz).await {
                    while archive.next().await.is_some() {}
                }
                let _ = workspace.measure().await;
                while let Ok(Some(_)) = timeout(Duration::ZERO, changes.next()).await {}
            }
        };
        runtime.block_on(work);
        over.store(true, Ordering::Relaxed);
    });
    given.canary_lives();
    println!(
        "{} swaps: read {read}, refused {refused}, wrote {wrote}",
        swaps.into_inner()
    );
    assert!(
        read > 0 && refused > 0 && wrote > 0,
        "the race did not take place"
    );
}

#[tokio::test]
async fn pipes_sockets_and_devices_are_no_files() {
    let given = Given::new();
    mknodat(CWD, given.root.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(given.root.join("socket")).unwrap();
    let mut names = vec!["pipe", "socket"];
    let device = given.root.join("device");
    // Zeros without end, for who reads it.
    if mknodat(
        CWD,
        &device,
        FileType::CharacterDevice,
        Mode::RWXU,
        makedev(1, 5),
    )
    .is_ok()
    {
        names.push("device");
    } else {
        println!("skipped: no device can be made by this user");
    }
    for name in names {
        let path = at(name);
        let all = async {
            let workspace = &given.workspace;
            assert!(matches!(
                workspace.read(&path).await,
                Err(FileError::NotAFile(_))
            ));
            assert!(matches!(
                workspace.open_file(&path).await,
                Err(FileError::NotAFile(_))
            ));
            let wrote = workspace.write(&path, content("x")).await;
            assert!(matches!(wrote, Err(FileError::NotAFile(_))), "{wrote:?}");
            let wrote = workspace.append(&path, content("x")).await;
            assert!(matches!(wrote, Err(FileError::NotAFile(_))), "{wrote:?}");
            workspace.stat(&path).await.unwrap();
            workspace.tree(&at(""), 1, false, usize::MAX).await.unwrap();
            let mut archive = workspace.archive(&at(""), Format::TarGz).await.unwrap();
            while let Some(piece) = archive.next().await {
                piece.unwrap();
            }
            workspace.delete(&path, false).await.unwrap();
        };
        timeout(Duration::from_secs(20), all).await.unwrap();
    }
}

#[tokio::test]
async fn a_hard_link_keeps_what_it_had() {
    let given = Given::new();
    fs::write(given.root.join("one"), "old").unwrap();
    fs::hard_link(given.root.join("one"), given.root.join("two")).unwrap();
    given
        .workspace
        .write(&at("one"), content("new"))
        .await
        .unwrap();
    assert_eq!(fs::read_to_string(given.root.join("two")).unwrap(), "old");
}

#[tokio::test]
async fn rights_of_others_are_not_passed_on() {
    let given = Given::new();
    let file = given.root.join("program");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).unwrap();
    given
        .workspace
        .write(&at("program"), content("new"))
        .await
        .unwrap();
    assert_eq!(
        file.metadata().unwrap().permissions().mode() & 0o7777,
        0o755
    );
}

/// Deeper than a path is long, and than a process has descriptors or stack.
#[tokio::test]
async fn a_very_deep_workspace_can_be_measured_watched_and_deleted() {
    const LEVELS: u64 = 5_000;
    let given = Given::new();
    let mut directory = rustix::fs::openat(
        CWD,
        &given.root,
        rustix::fs::OFlags::DIRECTORY,
        Mode::empty(),
    )
    .unwrap();
    for _ in 0..LEVELS {
        rustix::fs::mkdirat(&directory, "d", Mode::RWXU).unwrap();
        directory = rustix::fs::openat(
            &directory,
            "d",
            rustix::fs::OFlags::DIRECTORY,
            Mode::empty(),
        )
        .unwrap();
    }
    drop(directory);
    let begun = Instant::now();
    let usage = given.workspace.measure().await.unwrap();
    assert_eq!(
        (usage.files, usage.unreadable, usage.partial),
        (LEVELS, 0, false)
    );
    let (_watch, changes) = Watcher::default().watch(&given.workspace).await.unwrap();
    drop(changes);
    println!("watched after {:?}", begun.elapsed());
    given
        .workspace
        .tree(&at(""), 16, true, usize::MAX)
        .await
        .unwrap();
    let mut archive = given
        .workspace
        .archive(&at(""), Format::TarGz)
        .await
        .unwrap();
    let mut failed = false;
    while let Some(piece) = archive.next().await {
        failed |= piece.is_err();
    }
    println!("archived after {:?}", begun.elapsed());
    assert!(failed, "an archive that is not whole says so");
    given.workspace.delete(&at("d"), true).await.unwrap();
    println!("deleted after {:?}", begun.elapsed());
    assert_eq!(fs::read_dir(&given.root).unwrap().count(), 0);
}
