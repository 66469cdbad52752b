//! A mirror that knows nothing but the changes ends with what is on the disk.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod given;

use domain::{ChangeKind, FileChange};
use given::{Given, at, content};
use proptest::prelude::*;
use sandbox_files::{Changes, Watch, WatchSettings, Watcher};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Longer than anything here takes, however busy the machine.
const LONG: Duration = Duration::from_secs(30);

/// Directories that are not looked into.
const SUMMARISED: [&str; 3] = [".git", "node_modules", "target"];

/// What a reader makes of the changes: a path, and what it read there when it was told to.
struct Mirror {
    root: PathBuf,
    known: BTreeMap<String, String>,
    changes: Changes,
    watch: Watch,
    told: Vec<FileChange>,
}

impl Mirror {
    async fn of(watcher: &Watcher, given: &Given) -> Self {
        let (watch, changes) = watcher.watch(&given.workspace).await.unwrap();
        let mut mirror = Self {
            root: given.root.clone(),
            known: BTreeMap::new(),
            changes,
            watch,
            told: Vec::new(),
        };
        mirror.known = disk(&mirror.root, "");
        mirror
    }

    fn apply(&mut self, change: FileChange) {
        let below = |path: &str, known: &str| {
            path.is_empty() || known == path || known.starts_with(&format!("{path}/"))
        };
        let path = change.path.clone();
        let is_directory = seen(&self.root.join(&path)).is_some_and(|seen| seen == "directory");
        match change.kind {
            ChangeKind::Created | ChangeKind::Modified => {
                if change.kind == ChangeKind::Modified && is_directory || path.is_empty() {
                    self.known.retain(|known, _| !below(&path, known));
                    self.known.extend(disk(&self.root, &path));
                }
                match seen(&self.root.join(&path)) {
                    Some(seen) if !path.is_empty() => {
                        self.known.insert(path, seen);
                    }
                    _ => {}
                }
            }
            ChangeKind::Deleted => self.known.retain(|known, _| !below(&path, known)),
        }
        self.told.push(change);
    }

    /// Applies changes until the mirror is like the disk.
    async fn converge(&mut self) {
        let begun = Instant::now();
        loop {
            let disk = disk(&self.root, "");
            if self.known == disk {
                return;
            }
            let Ok(changes) = timeout(LONG, self.changes.next()).await else {
                let missing: Vec<_> = disk
                    .iter()
                    .filter(|(path, _)| !self.known.contains_key(*path))
                    .take(5)
                    .collect();
                let stale: Vec<_> = self
                    .known
                    .iter()
                    .filter(|(path, seen)| disk.get(*path) != Some(seen))
                    .take(5)
                    .collect();
                panic!(
                    "not converged after {:?}: missing {missing:?}, stale {stale:?}",
                    begun.elapsed()
                );
            };
            for change in changes.unwrap() {
                self.apply(change);
            }
        }
    }

    async fn until_told(&mut self, path: &str, kind: ChangeKind) {
        let wanted = FileChange {
            path: path.to_owned(),
            kind,
        };
        while !self.told.contains(&wanted) {
            for change in timeout(LONG, self.changes.next()).await.unwrap().unwrap() {
                self.apply(change);
            }
        }
    }

    fn told(&self, path: &str) -> Vec<ChangeKind> {
        let of_path = self.told.iter().filter(|change| change.path == path);
        of_path.map(|change| change.kind).collect()
    }
}

/// What is there, in one word or its content.
fn seen(path: &Path) -> Option<String> {
    let metadata = path.symlink_metadata().ok()?;
    if metadata.is_dir() {
        Some("directory".to_owned())
    } else if metadata.is_symlink() {
        Some(format!("-> {}", fs::read_link(path).ok()?.display()))
    } else {
        Some(format!("{:?}", fs::read(path).ok()?))
    }
}

/// Everything below `path`, with its content; nothing of what is in summarised directories.
fn disk(root: &Path, path: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if path
            .rsplit('/')
            .next()
            .is_some_and(|name| SUMMARISED.contains(&name))
        {
            continue;
        }
        for entry in fs::read_dir(root.join(&path))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = if path.is_empty() {
                name
            } else {
                format!("{path}/{name}")
            };
            if let Some(seen) = seen(&entry.path()) {
                if seen == "directory" {
                    waiting.push(inner.clone());
                }
                all.insert(inner, seen);
            }
        }
    }
    all
}

fn modified(watcher: WatchSettings, change: impl FnOnce(&mut WatchSettings)) -> Watcher {
    let mut settings = watcher;
    change(&mut settings);
    Watcher::new(settings)
}

#[tokio::test]
async fn each_change_has_its_kind() {
    use ChangeKind::{Created, Deleted, Modified};
    let given = Given::new();
    fs::write(given.root.join("old"), "1").unwrap();
    fs::create_dir(given.root.join("folder")).unwrap();
    fs::write(given.root.join("folder/in"), "1").unwrap();
    let watcher = Watcher::default();
    let mut mirror = Mirror::of(&watcher, &given).await;
    assert!(mirror.told.is_empty(), "what was there is no change");

    fs::write(given.root.join("new"), "1").unwrap();
    fs::write(given.root.join("passing"), "1").unwrap();
    fs::remove_file(given.root.join("passing")).unwrap();
    fs::write(given.root.join("old"), "2").unwrap();
    symlink("/etc", given.root.join("link")).unwrap();
    fs::rename(given.root.join("folder"), given.root.join("moved")).unwrap();
    mirror.converge().await;
    for (path, kinds) in [
        ("new", vec![Created]),
        ("passing", vec![]),
        ("old", vec![Modified]),
        ("link", vec![Created]),
        ("folder", vec![Deleted]),
        ("folder/in", vec![]),
        ("moved", vec![Created]),
        ("moved/in", vec![Created]),
    ] {
        assert_eq!(mirror.told(path), kinds, "{path}");
    }

    // What was moved is watched under its new name.
    fs::write(given.root.join("moved/in"), "other").unwrap();
    mirror.until_told("moved/in", Modified).await;
    // Something else under the same name, and a directory where a file was.
    fs::remove_dir_all(given.root.join("moved")).unwrap();
    fs::create_dir(given.root.join("moved")).unwrap();
    fs::write(given.root.join("moved/other"), "x").unwrap();
    fs::remove_file(given.root.join("old")).unwrap();
    fs::create_dir(given.root.join("old")).unwrap();
    mirror.converge().await;
    fs::write(given.root.join("moved/later"), "x").unwrap();
    fs::write(given.root.join("old/later"), "x").unwrap();
    mirror.converge().await;
}

#[tokio::test]
async fn ten_levels_at_once_are_all_seen() {
    let given = Given::new();
    let watcher = Watcher::default();
    let mut mirror = Mirror::of(&watcher, &given).await;
    for round in 0..20 {
        let deep = given.root.join(format!("{round}/b/c/d/e/f/g/h/i/j"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "x").unwrap();
        tokio::task::yield_now().await;
    }
    mirror.converge().await;
    assert_eq!(
        mirror.told("0/b/c/d/e/f/g/h/i/j/file"),
        [ChangeKind::Created]
    );
    assert_eq!(mirror.told.len(), 20 * 11, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_fifty_thousand_files_converges() {
    let given = Given::new();
    let watcher = Watcher::default();
    let (_watch, mut changes) = watcher.watch(&given.workspace).await.unwrap();
    let root = given.root.clone();
    let burst = std::thread::spawn(move || {
        for folder in 0..50 {
            let folder = root.join(format!("{folder}"));
            fs::create_dir(&folder).unwrap();
            for file in 0..1000 {
                fs::write(folder.join(format!("{file}")), "x").unwrap();
            }
        }
        Instant::now()
    });
    let (mut there, mut windows, mut most) = (BTreeSet::new(), 0, 0);
    while there.len() < 50_050 {
        let window = timeout(LONG, changes.next()).await.unwrap().unwrap();
        (windows, most) = (windows + 1, most.max(window.len()));
        for change in window {
            // A file may be seen before it is written.
            if change.kind == ChangeKind::Created {
                assert!(there.insert(change.path), "told twice");
            } else {
                assert_eq!(change.kind, ChangeKind::Modified);
            }
        }
    }
    let converged = Instant::now();
    let after = converged.saturating_duration_since(burst.join().unwrap());
    println!("burst of 50,000: {windows} windows of at most {most}, whole {after:?} after its end");
    assert_eq!(there, disk(&given.root, "").into_keys().collect());
}

/// Nothing reads inotify while a test does not wait, so its queue runs over for real.
#[tokio::test]
async fn reports_that_were_lost_cost_no_change() {
    let given = Given::new();
    fs::create_dir(given.root.join("kept")).unwrap();
    fs::create_dir(given.root.join("gone")).unwrap();
    for name in 0..100 {
        fs::write(given.root.join(format!("gone/{name}")), "x").unwrap();
        fs::write(given.root.join(format!("kept/{name}")), "x").unwrap();
    }
    let watcher = Watcher::default();
    let mut mirror = Mirror::of(&watcher, &given).await;
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let queue: usize = queue.trim().parse().unwrap();
    for name in 0..queue / 2 + 1000 {
        fs::write(given.root.join(format!("flood-{name}")), "x").unwrap();
    }
    // These reports are lost.
    fs::remove_dir_all(given.root.join("gone")).unwrap();
    fs::write(given.root.join("kept/7"), "changed").unwrap();
    fs::create_dir_all(given.root.join("kept/new/deep")).unwrap();
    fs::write(given.root.join("kept/new/deep/file"), "x").unwrap();
    let ended = Instant::now();
    mirror.converge().await;
    println!("overflow: converged after {:?}", ended.elapsed());
    assert_eq!(mirror.told("kept/7"), [ChangeKind::Modified]);
    // And it goes on.
    fs::write(given.root.join("kept/new/deep/file"), "later").unwrap();
    mirror.converge().await;
}

#[tokio::test]
async fn more_than_can_be_told_one_by_one_is_told_by_directory() {
    let given = Given::new();
    let watcher = modified(WatchSettings::default(), |settings| {
        settings.most_changes = 20;
    });
    let mut mirror = Mirror::of(&watcher, &given).await;
    for folder in 0..3 {
        fs::create_dir_all(given.root.join(format!("many/{folder}"))).unwrap();
        for file in 0..100 {
            fs::write(given.root.join(format!("many/{folder}/{file}")), "x").unwrap();
        }
    }
    mirror.converge().await;
    assert!(mirror.told.len() <= 40, "{}", mirror.told.len());
}

#[tokio::test]
async fn what_tools_make_is_summarised() {
    let given = Given::new();
    fs::create_dir_all(given.root.join("app/node_modules")).unwrap();
    fs::create_dir_all(given.root.join(".git/objects/ab")).unwrap();
    let watcher = Watcher::default();
    let mut mirror = Mirror::of(&watcher, &given).await;
    for package in 0..200 {
        let package = given.root.join(format!("app/node_modules/{package}"));
        fs::create_dir(&package).unwrap();
        fs::write(package.join("index.js"), "x").unwrap();
    }
    fs::write(given.root.join(".git/objects/ab/cd"), "x").unwrap();
    fs::write(given.root.join(".git/HEAD"), "x").unwrap();
    fs::write(given.root.join("target"), "a file, no directory").unwrap();
    mirror.until_told("target", ChangeKind::Created).await;
    mirror.until_told(".git", ChangeKind::Modified).await;
    mirror
        .until_told("app/node_modules", ChangeKind::Modified)
        .await;
    assert!(mirror.told.len() < 10, "{:?}", mirror.told);
    assert!(
        mirror
            .told
            .iter()
            .all(|change| !change.path.contains("modules/"))
    );
}

#[tokio::test]
async fn what_a_tool_and_the_watch_saw_is_told_once() {
    let given = Given::new();
    let watcher = Watcher::default();
    let mut mirror = Mirror::of(&watcher, &given).await;
    for round in 0..30 {
        let path = format!("made/by/tool/{round}.txt");
        given
            .workspace
            .write(&at(&path), content("new"))
            .await
            .unwrap();
        mirror.watch.changed(&at(&path));
        mirror.until_told(&path, ChangeKind::Created).await;
        given
            .workspace
            .append(&at(&path), content("and more"))
            .await
            .unwrap();
        mirror.watch.changed(&at(&path));
        mirror.until_told(&path, ChangeKind::Modified).await;
        let moved = format!("moved-{round}");
        given
            .workspace
            .rename(&at(&path), &at(&moved), false)
            .await
            .unwrap();
        mirror.watch.changed(&at(&path));
        mirror.watch.changed(&at(&moved));
        mirror.until_told(&path, ChangeKind::Deleted).await;
        mirror.until_told(&moved, ChangeKind::Created).await;
    }
    // Reports come in their order: when this one is told, all before it have been looked at.
    fs::write(given.root.join("end"), "x").unwrap();
    mirror.until_told("end", ChangeKind::Created).await;
    use ChangeKind::{Created, Deleted, Modified};
    for round in 0..30 {
        let path = format!("made/by/tool/{round}.txt");
        assert_eq!(mirror.told(&path), [Created, Modified, Deleted]);
        assert_eq!(mirror.told(&format!("moved-{round}")), [Created]);
    }
    assert_eq!(mirror.told("made"), [Created]);
    assert!(
        mirror
            .told
            .iter()
            .all(|change| !change.path.contains("unfinished"))
    );
}

#[tokio::test]
async fn what_cannot_be_watched_is_polled() {
    let given = Given::new();
    for folder in 0..10 {
        fs::create_dir_all(given.root.join(format!("{folder}/inner"))).unwrap();
    }
    let watcher = modified(WatchSettings::default(), |settings| {
        settings.most_watches = 5;
        settings.poll = Duration::from_millis(100);
    });
    let mut mirror = Mirror::of(&watcher, &given).await;
    assert_eq!(mirror.watch.polled(), 16);
    for folder in 0..10 {
        fs::write(given.root.join(format!("{folder}/inner/file")), "x").unwrap();
    }
    mirror.converge().await;
    fs::remove_dir_all(given.root.join("3")).unwrap();
    fs::write(given.root.join("7/inner/file"), "other").unwrap();
    mirror.converge().await;
}

#[tokio::test]
async fn a_directory_that_holds_too_much_is_summarised() {
    let given = Given::new();
    let watcher = modified(WatchSettings::default(), |settings| {
        settings.most_names = 100;
    });
    let mut mirror = Mirror::of(&watcher, &given).await;
    fs::create_dir(given.root.join("huge")).unwrap();
    for name in 0..500 {
        fs::write(given.root.join(format!("huge/{name}")), "x").unwrap();
    }
    mirror.converge().await;
    fs::write(given.root.join("huge/later"), "x").unwrap();
    mirror.converge().await;
    fs::remove_dir_all(given.root.join("huge")).unwrap();
    fs::write(given.root.join("small"), "x").unwrap();
    mirror.converge().await;
}

#[tokio::test]
async fn two_hundred_workspaces_share_a_few_instances() {
    let watcher = Watcher::default();
    let given: Vec<Given> = (0..200).map(|_| Given::new()).collect();
    let mut mirrors = Vec::new();
    for given in &given {
        mirrors.push(Mirror::of(&watcher, given).await);
    }
    let instances = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let instances = instances
        .filter_map(|fd| fs::read_link(fd.path()).ok())
        .filter(|link| link.to_string_lossy().contains("inotify"));
    assert!(instances.count() <= 8 * 12, "other tests have theirs");
    for (given, mirror) in given.iter().zip(&mut mirrors) {
        fs::write(given.root.join("file"), "x").unwrap();
        mirror.converge().await;
        assert_eq!(mirror.told.len(), 1);
    }
}

#[tokio::test]
async fn the_changes_end_with_the_root() {
    let given = Given::new();
    fs::write(given.root.join("file"), "x").unwrap();
    let (_watch, mut changes) = Watcher::default().watch(&given.workspace).await.unwrap();
    fs::remove_dir_all(&given.root).unwrap();
    fs::create_dir(&given.root).unwrap();
    let end = async { while changes.next().await.is_some() {} };
    timeout(LONG, end).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency() {
    let given = Given::new();
    let (watch, mut changes) = Watcher::default().watch(&given.workspace).await.unwrap();
    let (mut reported, mut looked) = (Vec::new(), Vec::new());
    for round in 0..100 {
        let begun = Instant::now();
        fs::write(given.root.join(format!("a{round}")), "x").unwrap();
        timeout(LONG, changes.next()).await.unwrap().unwrap();
        reported.push(begun.elapsed());
        let begun = Instant::now();
        fs::write(given.root.join(format!("b{round}")), "x").unwrap();
        watch.changed(&at(&format!("b{round}")));
        timeout(LONG, changes.next()).await.unwrap().unwrap();
        looked.push(begun.elapsed());
    }
    for (what, mut times) in [("reported", reported), ("looked at", looked)] {
        times.sort();
        println!("{what}: p50 {:?}, p95 {:?}", times[50], times[95]);
    }
}

/// What may happen to a workspace; the numbers choose among few names, so that they meet.
#[derive(Clone, Debug)]
enum Deed {
    Write(u8, u8),
    Make(u8),
    Remove(u8),
    Move(u8, u8),
    Link(u8),
    Pause,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (0..40_u8, any::<u8>()).prop_map(|(path, content)| Deed::Write(path, content)),
        2 => (0..40_u8).prop_map(Deed::Make),
        2 => (0..40_u8).prop_map(Deed::Remove),
        3 => (0..40_u8, 0..40_u8).prop_map(|(from, to)| Deed::Move(from, to)),
        1 => (0..40_u8).prop_map(Deed::Link),
        1 => Just(Deed::Pause),
    ];
    proptest::collection::vec(deed, 1..60)
}

/// One of forty paths of up to three levels.
fn place(root: &Path, number: u8) -> PathBuf {
    match number {
        0..4 => root.join(format!("{number}")),
        4..16 => root.join(format!("{}/{}", number % 4, number / 4)),
        _ => root.join(format!("{}/{}/{number}", number % 4, number / 4 % 3 + 1)),
    }
}

/// What does not work, because of what is there, does nothing.
fn done(root: &Path, deed: &Deed) -> std::io::Result<()> {
    match deed {
        Deed::Write(path, content) => fs::write(place(root, *path), [*content]),
        Deed::Make(path) => fs::create_dir_all(place(root, *path)),
        Deed::Remove(path) => {
            let path = place(root, *path);
            fs::remove_file(&path).or_else(|_| fs::remove_dir_all(path))
        }
        Deed::Move(from, to) => fs::rename(place(root, *from), place(root, *to)),
        // Not upwards: the deeds themselves are done by way of it.
        Deed::Link(path) => symlink(".", place(root, *path)),
        Deed::Pause => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_mirror_ends_with_what_is_on_the_disk(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let given = Given::new();
            let watcher = modified(WatchSettings::default(), |settings| {
                settings.window = Duration::from_millis(3);
            });
            let mut mirror = Mirror::of(&watcher, &given).await;
            for deed in &deeds {
                let _ = done(&given.root, deed);
                if matches!(deed, Deed::Pause) {
                    mirror.converge().await;
                }
            }
            mirror.converge().await;
            given.canary_lives();
        });
    }
}
