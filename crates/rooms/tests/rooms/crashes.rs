//! The process dies, or the machine; files are damaged.

use crate::reader::{BOOT, Reader, SESSION, event, open, publish, small};
use rooms::{After, EventId, Loss, OpenError, Rooms, RunStep, Settings};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A room's newest file.
fn newest(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join(SESSION.to_string())).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.pop().unwrap()
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    let room = to.path().join(SESSION.to_string());
    fs::create_dir(&room).unwrap();
    for file in fs::read_dir(from.join(SESSION.to_string())).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), room.join(file.file_name())).unwrap();
    }
    fs::copy(from.join("last"), to.path().join("last")).unwrap();
    to
}

fn cut(file: &Path, length: u64) {
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(length).unwrap();
}

/// A folder with events, the ids that were shown, and how long the newest file was after each.
async fn written() -> (TempDir, Vec<(EventId, PathBuf, u64)>) {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let mut shown = Vec::new();
    for number in 0..12 {
        let id = publish(&rooms, format!("{number}")).await;
        let file = newest(folder.path());
        let length = fs::metadata(&file).unwrap().len();
        shown.push((id, file.file_name().unwrap().into(), length));
    }
    drop(rooms);
    (folder, shown)
}

/// The process died while it wrote, at any byte: what was shown is there, and numbers go on.
#[tokio::test]
async fn the_process_dies_while_it_writes() {
    let (folder, shown) = written().await;
    let last = newest(folder.path());
    let name = PathBuf::from(last.file_name().unwrap());
    let whole = fs::metadata(&last).unwrap().len();
    for length in 0..whole {
        let before = |(_, file, end): &&(EventId, PathBuf, u64)| *file < name || *end <= length;
        let expected = shown.iter().take_while(before).last().unwrap().0;
        let copy = copy(folder.path());
        cut(&newest(copy.path()), length);
        let rooms = open(copy.path(), small());
        let next = publish(&rooms, "next").await;
        assert_eq!(next.epoch, expected.epoch, "{length}");
        assert_eq!(next.seq, expected.seq + 1, "{length}");
        let mut reader = Reader::enter(&rooms, After::Start).await;
        reader.read_to(next).await;
        assert_eq!(reader.losses, [], "{length}");
        assert_eq!(reader.texts.len() as u64, next.seq);
    }
}

/// The machine died: whatever reached the disk, no id is given twice, and the loss is said.
#[tokio::test]
async fn the_machine_dies() {
    let (folder, shown) = written().await;
    let shown: HashSet<EventId> = shown.into_iter().map(|(id, ..)| id).collect();
    let whole = fs::metadata(newest(folder.path())).unwrap().len();
    for length in (0..=whole).step_by(29) {
        for boot in ["another boot", ""] {
            let copy = copy(folder.path());
            cut(&newest(copy.path()), length);
            let rooms = Rooms::open_in(copy.path(), small(), boot).unwrap();
            let mut last = publish(&rooms, "new").await;
            for _ in 0..20 {
                assert!(!shown.contains(&last), "{last} was given twice");
                last = publish(&rooms, "new").await;
            }
            for id in &shown {
                let mut reader = Reader::enter(&rooms, After::Event(*id)).await;
                reader.read_to(last).await;
                assert_eq!(reader.losses, [Loss::Unknown]);
                assert_eq!(reader.texts.len(), 21);
            }
        }
    }
}

/// A clean stop brings everything to the disk: the machine may be restarted.
#[tokio::test]
async fn the_machine_is_restarted_after_a_clean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let first = publish(&rooms, "first").await;
    rooms.close().await.unwrap();
    drop(rooms);
    let rooms = Rooms::open_in(folder.path(), small(), "another boot").unwrap();
    let second = publish(&rooms, "second").await;
    assert_eq!((second.epoch, second.seq), (first.epoch, 2));
    drop(rooms);
    // This stop was not clean.
    let rooms = Rooms::open_in(folder.path(), small(), "a third").unwrap();
    assert_ne!(publish(&rooms, "third").await.epoch, first.epoch);
}

/// Bytes that nobody wrote: a new epoch, never an id twice, never a panic.
#[tokio::test]
async fn files_are_damaged() {
    let (folder, shown) = written().await;
    let epoch = shown[0].0.epoch;
    let whole = fs::read(newest(folder.path())).unwrap();
    for at in (4..whole.len()).step_by(5) {
        let copy = copy(folder.path());
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(newest(copy.path()), changed).unwrap();
        let rooms = open(copy.path(), small());
        let next = publish(&rooms, "next").await;
        let fresh = next.epoch != epoch;
        // A changed length can look like an end that was torn: only then is the epoch the same.
        assert!(fresh || next.seq <= 13, "{at}");
        if fresh {
            assert_eq!(next.seq, 1, "{at}");
        }
    }
}

#[tokio::test]
async fn a_foreign_file_is_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let room = folder.path().join(SESSION.to_string());
    fs::create_dir_all(&room).unwrap();
    fs::write(folder.path().join("last"), BOOT).unwrap();
    fs::write(room.join("notes.txt"), "x").unwrap();
    fs::write(room.join("00000000000000000009.log"), [0xff; 400]).unwrap();
    let rooms = open(folder.path(), small());
    assert_eq!(publish(&rooms, "first").await.seq, 1);
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), Settings::default());
    let second = Rooms::open_in(folder.path(), Settings::default(), BOOT);
    assert!(matches!(second, Err(OpenError::Taken { .. })));
    drop(rooms);
    open(folder.path(), Settings::default());
}

/// The process died while it wrote the events of a step: told again, each of them is there once.
#[tokio::test]
async fn a_step_is_told_once_whenever_the_process_dies() {
    let run = uuid::Uuid::from_u128(0x77);
    let step = |step| Some(RunStep { run, step });
    let events = |names: &[&str]| names.iter().map(|name| event(*name)).collect::<Vec<_>>();
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), Settings::default());
    let tell = async |rooms: &Rooms, number, names: &[&str]| {
        let told = rooms.publish_step(SESSION, step(number), events(names));
        told.await.unwrap().skipped
    };
    assert_eq!(tell(&rooms, 3, &["a", "b"]).await, 0);
    assert_eq!(rooms.seen(SESSION, run).await.unwrap(), 3);
    assert_eq!(tell(&rooms, 3, &["a", "b"]).await, 2);
    let before = fs::metadata(newest(folder.path())).unwrap().len();
    assert_eq!(tell(&rooms, 4, &["c", "d", "e"]).await, 0);
    drop(rooms);
    let name = newest(folder.path()).file_name().unwrap().to_owned();
    let whole = fs::metadata(newest(folder.path())).unwrap().len();
    for length in before..=whole {
        let copied = copy(folder.path());
        cut(&copied.path().join(SESSION.to_string()).join(&name), length);
        let rooms = open(copied.path(), Settings::default());
        let seen = rooms.seen(SESSION, run).await.unwrap();
        assert_eq!(seen, if length == whole { 4 } else { 3 }, "{length}");
        for (number, names) in [(3, &["a", "b"][..]), (4, &["c", "d", "e"]), (5, &["f"])] {
            tell(&rooms, number, names).await;
        }
        let mut reader = Reader::enter(&rooms, After::Start).await;
        while reader.texts.len() < 6 {
            assert_eq!(reader.take().await, None);
        }
        assert_eq!(reader.texts, ["a", "b", "c", "d", "e", "f"], "{length}");
    }
}

/// What is known of a run goes from file to file.
#[tokio::test]
async fn the_last_step_is_known_when_its_file_is_gone() {
    let run = uuid::Uuid::from_u128(0x77);
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let step = Some(RunStep { run, step: 9 });
    rooms
        .publish_step(SESSION, step, vec![event("a")])
        .await
        .unwrap();
    for number in 0..200 {
        publish(&rooms, format!("{number}")).await;
    }
    drop(rooms);
    let rooms = open(folder.path(), small());
    assert_eq!(rooms.seen(SESSION, run).await.unwrap(), 9);
}
