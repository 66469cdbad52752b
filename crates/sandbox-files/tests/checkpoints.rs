//! Checkpoints: what they have, what they show, what they put back, and what they never touch.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::ChangeKind;
use given::{Given, at};
use sandbox_files::{
    Checkpoints, ErrorKind,
    checkpoint::{Content, Limits},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

struct Kept {
    given: Given,
    checkpoints: Checkpoints,
    folder: PathBuf,
    _place: tempfile::TempDir,
}

impl Kept {
    fn with(limits: Limits) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("checkpoints");
        Self {
            given: Given::new(),
            checkpoints: Checkpoints::new(folder.clone(), limits),
            folder,
            _place: place,
        }
    }

    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.given.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn get(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.given.root.join(path)).ok()
    }

    async fn take(&self, name: &str) -> sandbox_files::checkpoint::Taken {
        let taken = self.checkpoints.take(&self.given.workspace, name, 7);
        taken.await.unwrap()
    }

    /// Paths with what was and is in them.
    async fn compare(&self, name: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let compared = self.checkpoints.compare(&self.given.workspace, name);
        let (differences, _) = compared.await.unwrap();
        let text = |content: Option<Content>| {
            content.map(|content| match content {
                Content::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
                Content::TooLarge => "too large".to_owned(),
            })
        };
        let differences = differences.into_iter();
        differences
            .map(|one| (one.path.to_string(), text(one.before), text(one.after)))
            .collect()
    }

    async fn restore(&self, name: &str) -> sandbox_files::checkpoint::Restored {
        let restored = self.checkpoints.restore(&self.given.workspace, name);
        restored.await.unwrap()
    }

    async fn names(&self) -> Vec<String> {
        let all = self.checkpoints.list(&self.given.workspace).await.unwrap();
        all.into_iter().map(|one| one.name).collect()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn files_are_as_they_were() {
    let kept = Kept::new();
    kept.put("a.txt", "one");
    kept.put("deep/er/b.sh", "two");
    kept.put("gone.txt", "three");
    let script = kept.given.root.join("deep/er/b.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let taken = kept.take("run").await;
    assert_eq!((taken.created, taken.files, taken.left_out), (true, 3, 0));
    // A second time it is the same, whatever happened since.
    kept.put("a.txt", "ONE");
    assert!(!kept.take("run").await.created);
    kept.put("deep/er/b.sh", "TWO");
    kept.put("new/c.txt", "four");
    fs::remove_file(kept.given.root.join("gone.txt")).unwrap();
    let differences = kept.compare("run").await;
    let expected = [
        ("a.txt".to_owned(), some("one"), some("ONE")),
        ("deep/er/b.sh".to_owned(), some("two"), some("TWO")),
        ("gone.txt".to_owned(), some("three"), None),
        ("new/c.txt".to_owned(), None, some("four")),
    ];
    assert_eq!(differences, expected);
    let restored = kept.restore("run").await;
    assert_eq!(restored.left, Vec::<String>::new());
    let changed: Vec<_> = restored
        .changed
        .iter()
        .map(|change| (change.path.as_str(), change.kind))
        .collect();
    let expected = [
        ("new/c.txt", ChangeKind::Deleted),
        ("a.txt", ChangeKind::Modified),
        ("deep/er/b.sh", ChangeKind::Modified),
        ("gone.txt", ChangeKind::Created),
    ];
    assert_eq!(changed, expected);
    assert_eq!(kept.get("a.txt"), some("one"));
    assert_eq!(kept.get("deep/er/b.sh"), some("two"));
    assert_eq!(kept.get("gone.txt"), some("three"));
    assert_eq!(kept.get("new/c.txt"), None);
    let mode = fs::metadata(&script).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    kept.given.canary_lives();
}

#[tokio::test]
async fn the_first_stays_and_later_ones_go_with_an_undo() {
    let kept = Kept::new();
    for (name, text) in [("r1", "0"), ("r2", "1"), ("r3", "2")] {
        kept.put("a", text);
        kept.take(name).await;
    }
    kept.put("a", "3");
    kept.restore("r3").await;
    assert_eq!(
        (kept.get("a"), kept.names().await),
        (some("2"), vec!["r1".into(), "r2".into()])
    );
    kept.restore("r2").await;
    kept.restore("r1").await;
    assert_eq!(
        (kept.get("a"), kept.names().await),
        (some("0"), vec!["first".to_owned()])
    );
    // The session's whole is still compared with its beginning.
    kept.put("a", "4");
    kept.take("r4").await;
    let differences = kept.compare("first").await;
    assert_eq!(differences, [("a".to_owned(), some("0"), some("4"))]);
    let again = kept.checkpoints.restore(&kept.given.workspace, "r1").await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn only_so_many_are_kept_and_nothing_that_none_needs() {
    let kept = Kept::new();
    for number in 0..30 {
        kept.put("a", &number.to_string());
        kept.take(&format!("r{number}")).await;
    }
    let names = kept.names().await;
    assert_eq!(names.len(), 17);
    assert_eq!((names[0].as_str(), names[1].as_str()), ("r0", "r14"));
    let objects = fs::read_dir(kept.folder.join("objects")).unwrap();
    assert_eq!(objects.count(), 17);
    kept.restore("r20").await;
    assert_eq!(kept.get("a"), some("20"));
}

#[tokio::test]
async fn what_is_not_in_one_is_left_alone() {
    let limits = Limits {
        file_bytes: 10,
        files: 20,
        ..Limits::default()
    };
    let kept = Kept::with(limits);
    kept.put("large", "more than ten bytes");
    kept.put(".git/config", "a");
    kept.put("node_modules/x/y", "b");
    kept.put("plain", "c");
    symlink("/etc/passwd", kept.given.root.join("link")).unwrap();
    symlink(&kept.given.outside, kept.given.root.join("out")).unwrap();
    let taken = kept.take("run").await;
    assert_eq!((taken.files, taken.left_out), (1, 1));
    kept.put(".git/config", "A");
    kept.put("large", "another that is too large");
    assert_eq!(kept.compare("run").await, []);
    // A file that was small and is large now is made small again.
    kept.put("plain", "longer than that");
    let expected = ("plain".to_owned(), some("c"), some("too large"));
    assert_eq!(kept.compare("run").await, [expected]);
    kept.restore("run").await;
    assert_eq!(kept.get("plain"), some("c"));
    assert_eq!(kept.get(".git/config"), some("A"));
    for number in 0..30 {
        kept.put(&format!("f{number}"), "");
    }
    let refused = kept.checkpoints.take(&kept.given.workspace, "r2", 0).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
    kept.given.canary_lives();
}

#[tokio::test]
async fn nothing_is_put_back_outside() {
    let kept = Kept::new();
    kept.put("folder/canary", "mine");
    kept.take("run").await;
    fs::remove_dir_all(kept.given.root.join("folder")).unwrap();
    symlink(&kept.given.outside, kept.given.root.join("folder")).unwrap();
    let restored = kept.restore("run").await;
    assert_eq!(restored.left, ["folder/canary"]);
    kept.given.canary_lives();
    // Nor through a symlink that stays inside.
    let kept = Kept::new();
    kept.put("folder/a", "mine");
    kept.put("other/b", "b");
    kept.take("run").await;
    fs::remove_dir_all(kept.given.root.join("folder")).unwrap();
    symlink("other", kept.given.root.join("folder")).unwrap();
    assert_eq!(kept.restore("run").await.left, ["folder/a"]);
    assert_eq!(kept.get("other/a"), None);
}

#[tokio::test]
async fn a_folder_makes_way_for_the_file_that_was_there() {
    let kept = Kept::new();
    kept.put("a", "file");
    kept.take("run").await;
    fs::remove_file(kept.given.root.join("a")).unwrap();
    kept.put("a/b", "inside");
    assert_eq!(kept.restore("run").await.left, Vec::<String>::new());
    assert_eq!(kept.get("a"), some("file"));
    // Unless there is something in it that the checkpoint knows nothing of.
    kept.take("again").await;
    fs::remove_file(kept.given.root.join("a")).unwrap();
    kept.put("a/.git/b", "inside");
    assert_eq!(kept.restore("again").await.left, ["a"]);
    assert!(kept.given.workspace.stat(&at("a/.git/b")).await.is_ok());
}

#[tokio::test]
async fn a_content_that_is_damaged_is_not_put_back() {
    let kept = Kept::new();
    kept.put("a", "one");
    kept.take("run").await;
    kept.put("a", "two");
    let object = fs::read_dir(kept.folder.join("objects")).unwrap();
    let object = object.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::write(object, "on").unwrap();
    assert_eq!(kept.restore("run").await.left, ["a"]);
    assert_eq!(kept.get("a"), some("two"));
}
