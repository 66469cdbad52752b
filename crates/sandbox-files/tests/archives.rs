//! Archives, unpacked again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod given;

use futures::StreamExt as _;
use given::{Given, at};
use sandbox_files::{Archive, ErrorKind, FileError, Format, Quota, Settings, Workspace};
use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read as _},
    os::unix::fs::{PermissionsExt as _, symlink},
};

async fn whole(mut archive: Archive) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    while let Some(piece) = archive.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// What is in an archive: paths with contents, targets, or nothing for a directory.
async fn unpacked(workspace: &Workspace, root: &str, format: Format) -> BTreeMap<String, String> {
    let archive = workspace.archive(&at(root), format).await.unwrap();
    let bytes = Cursor::new(whole(archive).await.unwrap());
    let mut all = BTreeMap::new();
    match format {
        Format::TarGz => {
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                let path = entry.path().unwrap().to_string_lossy().into_owned();
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                if let Some(target) = entry.link_name().unwrap() {
                    content = format!("-> {}", target.display());
                } else if entry.header().mode().unwrap() & 0o100 != 0 && !path.ends_with('/') {
                    content += " (runs)";
                }
                all.insert(path, content);
            }
        }
        Format::Zip => {
            let mut archive = zip::ZipArchive::new(bytes).unwrap();
            for index in 0..archive.len() {
                let mut entry = archive.by_index(index).unwrap();
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                if entry.is_symlink() {
                    content = format!("-> {content}");
                } else if entry.unix_mode().unwrap() & 0o100 != 0 && entry.is_file() {
                    content += " (runs)";
                }
                all.insert(entry.name().unwrap().into_owned(), content);
            }
        }
    }
    all
}

fn write(given: &Given, path: &str, content: &str) {
    let path = given.root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[tokio::test]
async fn an_archive_has_what_ignore_files_leave() {
    let given = Given::new();
    let deep = format!("deep/{}", "long-name-of-a-directory/".repeat(10));
    let deep_file = format!("{deep}file");
    for (path, content) in [
        (".gitignore", "*.log\n/build/\n!keep.log\n[broken\n"),
        ("main.rs", "fn main() {}"),
        ("trace.log", "-"),
        ("keep.log", "kept"),
        ("build/out", "-"),
        ("src/build/out", "only the one at the top is left out"),
        ("src/.gitignore", "*.tmp\n!trace.log\n"),
        ("src/trace.log", "let in again"),
        ("src/a.tmp", "-"),
        ("src/.ignore", "secret\n!a.bak"),
        ("src/secret", "-"),
        ("a.tmp", "of another directory"),
        (".git/config", "-"),
        ("web/node_modules/x/index.js", "-"),
        ("target/debug/x", "-"),
        (&deep_file, "deep"),
    ] {
        write(&given, path, content);
    }
    let runs = fs::Permissions::from_mode(0o755);
    fs::set_permissions(given.root.join("main.rs"), runs).unwrap();
    symlink(&given.outside, given.root.join("out")).unwrap();
    symlink("main.rs", given.root.join("same")).unwrap();
    for format in [Format::TarGz, Format::Zip] {
        let all = unpacked(&given.workspace, "", format).await;
        let files = all.iter().filter(|(path, _)| !path.ends_with('/'));
        let files: Vec<_> = files
            .map(|(path, content)| (path.as_str(), content.as_str()))
            .collect();
        let out = format!("-> {}", given.outside.display());
        let expected = [
            (".gitignore", "*.log\n/build/\n!keep.log\n[broken\n"),
            ("a.tmp", "of another directory"),
            (deep_file.as_str(), "deep"),
            ("keep.log", "kept"),
            ("main.rs", "fn main() {} (runs)"),
            ("out", out.as_str()),
            ("same", "-> main.rs"),
            ("src/.gitignore", "*.tmp\n!trace.log\n"),
            ("src/.ignore", "secret\n!a.bak"),
            ("src/build/out", "only the one at the top is left out"),
            ("src/trace.log", "let in again"),
        ];
        assert_eq!(files, expected, "{format:?}");
        // Of a part, the rules above it count as well; of what is asked for by name none do.
        let part = unpacked(&given.workspace, "src", format).await;
        assert!(
            part.contains_key("build/out") && !part.contains_key("a.tmp"),
            "{part:?}"
        );
        assert!(!part.contains_key("secret"));
        let made = unpacked(&given.workspace, "target", format).await;
        assert!(made.contains_key("debug/x"), "{made:?}");
        let one = unpacked(&given.workspace, "keep.log", format).await;
        assert_eq!(
            one.into_iter().collect::<Vec<_>>(),
            [("keep.log".to_owned(), "kept".to_owned())]
        );
    }
    given.canary_lives();
}

#[tokio::test]
async fn large_files_come_whole() {
    let given = Given::new();
    let large = "0123456789abcdef".repeat(200_000);
    write(&given, "large", &large);
    for format in [Format::TarGz, Format::Zip] {
        let all = unpacked(&given.workspace, "", format).await;
        assert!(
            all.get("large").is_some_and(|content| *content == large),
            "{format:?}"
        );
    }
}

#[tokio::test]
async fn what_is_too_much_ends_with_an_error() {
    let largest_archive = Quota {
        bytes: 1000,
        files: 5,
    };
    let given = Given::with(Settings {
        largest_archive,
        ..Settings::default()
    });
    write(&given, "sparse", "");
    fs::File::create(given.root.join("sparse"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    for format in [Format::TarGz, Format::Zip] {
        let archive = given.workspace.archive(&at(""), format).await.unwrap();
        assert_eq!(
            whole(archive).await.unwrap_err().kind(),
            ErrorKind::TooLarge
        );
    }
    fs::remove_file(given.root.join("sparse")).unwrap();
    for file in 0..6 {
        write(&given, &format!("{file}"), "x");
    }
    let archive = given.workspace.archive(&at(""), Format::Zip).await.unwrap();
    assert_eq!(
        whole(archive).await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

#[tokio::test]
async fn who_does_not_read_holds_no_more_than_their_places() {
    let given = Given::with(Settings {
        archives: 1,
        ..Settings::default()
    });
    // Too much for the pieces that wait, also when it is compressed.
    let noise: Vec<u8> = (0..4_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(given.root.join("noise"), noise).unwrap();
    let archive = given
        .workspace
        .archive(&at(""), Format::TarGz)
        .await
        .unwrap();
    let second = given.workspace.archive(&at(""), Format::TarGz).await;
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Busy);
    drop(archive);
    // The place is free when the thread has noticed.
    loop {
        match given.workspace.archive(&at(""), Format::Zip).await {
            Ok(archive) => break assert!(whole(archive).await.is_ok()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy),
        }
        tokio::task::yield_now().await;
    }
}
