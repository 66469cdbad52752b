//! Checkpoints: what they have, what they show, what they put back, and what they never touch.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod given;

use domain::ChangeKind;
use futures::poll;
use given::{Given, at};
use runner_api::checkpoints::Gap;
use sandbox_files::{
    Checkpoints, ErrorKind, FileError,
    checkpoint::{Content, Limits},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    sync::mpsc,
    task::Poll,
};
use tokio::sync::oneshot;

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

    fn set_mode(&self, path: &str, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.given.root.join(path), mode).unwrap();
    }

    fn mode(&self, path: &str) -> u32 {
        let stat = fs::metadata(self.given.root.join(path)).unwrap();
        stat.permissions().mode() & 0o777
    }

    async fn take(&self, name: &str) -> sandbox_files::checkpoint::Taken {
        let taken = self.checkpoints.take(&self.given.workspace, name, 7);
        taken.await.unwrap()
    }

    /// Paths with what was and is in them.
    async fn compare(&self, name: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let workspace = &self.given.workspace;
        let compared = self.checkpoints.compare(workspace, name, |all| all);
        let (differences, _) = compared.await.unwrap();
        let text = |content: Option<Content>| {
            content.map(|content| match content {
                Content::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
                Content::Same => "same".to_owned(),
                Content::TooLarge => "too large".to_owned(),
                Content::Unknown => "unknown".to_owned(),
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

    /// Why one cannot be put back.
    async fn refused(&self, name: &str) -> FileError {
        let restored = self.checkpoints.restore(&self.given.workspace, name);
        restored.await.unwrap_err()
    }

    async fn names(&self) -> Vec<String> {
        let all = self.checkpoints.list(&self.given.workspace).await.unwrap();
        all.into_iter().map(|one| one.name).collect()
    }

    /// The gaps among them.
    async fn gaps(&self) -> Vec<(String, Gap)> {
        let all = self.checkpoints.list(&self.given.workspace).await.unwrap();
        let all = all.into_iter();
        all.filter_map(|one| Some((one.name, one.gap?))).collect()
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
    kept.set_mode("deep/er/b.sh", 0o755);
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
    assert_eq!(kept.mode("deep/er/b.sh"), 0o755);
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
    // One gap stands for all that are not kept any more.
    let names = kept.names().await;
    assert_eq!(names.len(), 18);
    assert_eq!(names[..3], ["r0", "r13", "r14"]);
    assert_eq!(kept.gaps().await, [("r13".to_owned(), Gap::Pruned)]);
    let objects = fs::read_dir(kept.folder.join("objects")).unwrap();
    assert_eq!(objects.count(), 17);
    kept.restore("r20").await;
    assert_eq!(kept.get("a"), some("20"));
    // Nobody goes back across it by mistake.
    for number in (14..20).rev() {
        kept.restore(&format!("r{number}")).await;
    }
    let error = kept.refused("r13").await;
    assert!(matches!(error, FileError::NotKept(Gap::Pruned)), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(kept.get("a"), some("14"));
    assert_eq!(kept.names().await, ["r0", "r13"]);
}

#[tokio::test]
async fn where_there_is_too_much_a_gap_is_left() {
    let kept = Kept::with(Limits {
        bytes: 20,
        ..Limits::default()
    });
    let workspace = &kept.given.workspace;
    kept.put("a", "one");
    kept.take("r1").await;
    kept.put("b", "more than there may be");
    let refused = async |name: &str| {
        let taken = kept.checkpoints.take(workspace, name, 7);
        taken.await.unwrap_err().kind()
    };
    assert_eq!(refused("r2").await, ErrorKind::TooLarge);
    // In the midst of a turn there is no later chance.
    fs::remove_file(kept.given.root.join("b")).unwrap();
    assert_eq!(refused("r2").await, ErrorKind::Conflict);
    assert_eq!(kept.gaps().await, [("r2".to_owned(), Gap::TooMuch)]);
    let objects = fs::read_dir(kept.folder.join("objects")).unwrap();
    assert_eq!(objects.count(), 1, "nothing is kept for nothing");
    let compared = kept.checkpoints.compare(workspace, "r2", |all| all);
    assert_eq!(compared.await.unwrap_err().kind(), ErrorKind::Conflict);
    // What comes after it can be taken back, and no more.
    kept.put("a", "two");
    kept.take("r3").await;
    kept.put("a", "three");
    kept.restore("r3").await;
    assert_eq!(kept.get("a"), some("two"));
    let error = kept.refused("r2").await;
    assert!(matches!(error, FileError::NotKept(Gap::TooMuch)), "{error}");
    assert_eq!(kept.get("a"), some("two"));
    // Of those in a row the newest stays.
    kept.put("b", "more than there may be");
    for name in ["r4", "r5"] {
        assert_eq!(refused(name).await, ErrorKind::TooLarge);
    }
    assert_eq!(kept.names().await, ["r1", "r5"]);
    // The first that could be taken is what all is compared with, and stays.
    kept.restore("r1").await;
    assert_eq!(kept.get("a"), some("one"));
    assert_eq!(kept.names().await, ["first"]);
}

/// What keeps a file from being put back can be put right: until then the way back stays.
#[tokio::test]
async fn what_could_not_be_put_back_whole_is_kept() {
    let kept = Kept::new();
    kept.put("folder/a", "one");
    kept.put("b", "one");
    for name in ["r1", "r2"] {
        kept.take(name).await;
    }
    let folder = kept.given.root.join("folder");
    let (names, first) = (["r1", "r2"], ["first"]);
    for (name, before, after) in [
        ("r2", &names[..], &names[..1]),
        ("r1", &names[..1], &first[..]),
    ] {
        kept.put("b", "two");
        fs::remove_dir_all(&folder).unwrap();
        symlink(&kept.given.outside, &folder).unwrap();
        let restored = kept.restore(name).await;
        assert_eq!(restored.left, ["folder/a"]);
        assert_eq!(kept.get("b"), some("one"));
        assert_eq!(kept.names().await, before);
        fs::remove_file(&folder).unwrap();
        let restored = kept.restore(name).await;
        assert_eq!(restored.left, Vec::<String>::new());
        assert_eq!(kept.get("folder/a"), some("one"));
        assert_eq!(kept.names().await, after);
    }
    kept.given.canary_lives();
}

#[tokio::test]
async fn a_mode_is_put_back() {
    let kept = Kept::new();
    kept.put("a.sh", "one");
    kept.put("b", "one");
    for path in ["a.sh", "b"] {
        kept.set_mode(path, 0o644);
    }
    kept.take("run").await;
    kept.set_mode("a.sh", 0o755);
    kept.put("b", "two");
    kept.set_mode("b", 0o600);
    let workspace = &kept.given.workspace;
    let compared = kept.checkpoints.compare(workspace, "run", |all| {
        let all = all.into_iter();
        all.map(|one| (one.before == Some(Content::Same), one.modes))
            .collect::<Vec<_>>()
    });
    let (differences, cut) = compared.await.unwrap();
    let expected = [(true, Some((0o644, 0o755))), (false, Some((0o644, 0o600)))];
    assert_eq!((differences.as_slice(), cut), (&expected[..], false));
    let restored = kept.restore("run").await;
    assert_eq!(restored.changed.len(), 2);
    for path in ["a.sh", "b"] {
        assert_eq!((kept.get(path), kept.mode(path)), (some("one"), 0o644));
    }
}

#[tokio::test]
async fn what_is_not_in_one_is_left_alone() {
    let limits = Limits {
        file_bytes: 10,
        files: 20,
        ..Limits::default()
    };
    let kept = Kept::with(limits);
    kept.put("gone", "more than ten bytes, too");
    kept.put("large", "more than ten bytes");
    kept.put("same", "as large as the others");
    kept.put(".git/config", "a");
    kept.put("node_modules/x/y", "b");
    kept.put("plain", "c");
    symlink("/etc/passwd", kept.given.root.join("link")).unwrap();
    symlink(&kept.given.outside, kept.given.root.join("out")).unwrap();
    let taken = kept.take("run").await;
    assert_eq!((taken.files, taken.left_out), (1, 3));
    kept.put(".git/config", "A");
    assert_eq!(kept.compare("run").await, []);
    // Nobody knows what was in these; the first is small enough by now to be taken for new.
    kept.put("large", "trimmed");
    fs::remove_file(kept.given.root.join("gone")).unwrap();
    kept.put("new", "too large to be looked into");
    // A file that was small and is large now is made small again.
    kept.put("plain", "longer than that");
    let expected = [
        ("gone".to_owned(), some("unknown"), None),
        ("large".to_owned(), some("unknown"), some("unknown")),
        ("new".to_owned(), None, some("too large")),
        ("plain".to_owned(), some("c"), some("too large")),
    ];
    assert_eq!(kept.compare("run").await, expected);
    let restored = kept.restore("run").await;
    assert_eq!(restored.left, Vec::<String>::new());
    assert_eq!(restored.left_out, ["gone", "large", "new"]);
    assert_eq!(kept.get("large"), some("trimmed"));
    assert_eq!(kept.get("new"), some("too large to be looked into"));
    assert_eq!(kept.get("plain"), some("c"));
    assert_eq!(kept.get(".git/config"), some("A"));
    for number in 0..30 {
        kept.put(&format!("f{number}"), "");
    }
    let refused = kept.checkpoints.take(&kept.given.workspace, "r2", 0).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
    kept.given.canary_lives();
}

/// Root reads everything: then there is nothing that could be left out.
#[tokio::test]
async fn what_could_not_be_read_is_left_alone() {
    let kept = Kept::new();
    let paths = ["closed/inner", "listed/inner", "secret"];
    for path in paths {
        kept.put(path, "mine");
    }
    kept.set_mode("secret", 0o000);
    kept.set_mode("closed", 0o000);
    kept.set_mode("listed", 0o444);
    let readable = kept.get("secret").is_some();
    let taken = kept.take("run").await;
    let expected = match readable {
        true => (3, 0),
        false => (0, 3),
    };
    assert_eq!((taken.files, taken.left_out), expected);
    for (path, mode) in [("secret", 0o644), ("closed", 0o755), ("listed", 0o755)] {
        kept.set_mode(path, mode);
    }
    let restored = kept.restore("run").await;
    if !readable {
        assert_eq!(restored.changed, []);
        assert_eq!(restored.left_out, ["closed", "listed/inner", "secret"]);
    }
    for path in paths {
        assert_eq!(kept.get(path), some("mine"), "{path}");
    }
}

/// What one from before has left out is not known.
#[tokio::test]
async fn an_older_checkpoint_is_put_back() {
    let kept = Kept::with(Limits {
        file_bytes: 10,
        ..Limits::default()
    });
    kept.put("a", "one");
    kept.put("large", "more than ten bytes");
    kept.take("run").await;
    let file = kept.folder.join("1.json");
    let text = fs::read_to_string(&file).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let lacks = manifest.as_object_mut().unwrap().remove("lacks");
    assert!(lacks.is_some(), "{manifest}");
    fs::write(&file, manifest.to_string()).unwrap();
    kept.put("a", "two");
    kept.put("b", "new");
    kept.put("large", "another that is too large");
    let restored = kept.restore("run").await;
    assert_eq!((restored.left.len(), restored.left_out.len()), (0, 0));
    assert_eq!((kept.get("a"), kept.get("b")), (some("one"), None));
    assert_eq!(kept.get("large"), some("another that is too large"));
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

/// Whoever waits for a turn holds no thread: not even all who ask at once keep others waiting.
#[tokio::test]
async fn only_so_many_wait_for_their_turn() {
    let kept = Kept::new();
    kept.put("a", "one");
    kept.take("run").await;
    let workspace = &kept.given.workspace;
    let (begins, begun) = oneshot::channel();
    let (let_go, held) = mpsc::channel();
    let first = kept.checkpoints.compare(workspace, "run", move |_| {
        begins.send(()).unwrap();
        held.recv().unwrap();
    });
    let others = async {
        begun.await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..20 {
            let mut next = Box::pin(kept.checkpoints.list(workspace));
            let polled = poll!(&mut next);
            match polled {
                Poll::Pending => waiting.push(next),
                Poll::Ready(refused) => {
                    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Busy, "{number}");
                }
            }
        }
        assert_eq!(waiting.len(), 8);
        // Edits have turns of their own, and all else needs none.
        workspace.edit(Vec::new()).await.unwrap();
        workspace.stat(&at("a")).await.unwrap();
        let_go.send(()).unwrap();
        for next in waiting {
            assert_eq!(next.await.unwrap().len(), 1);
        }
    };
    let (first, ()) = tokio::join!(first, others);
    assert!(first.is_ok());
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
