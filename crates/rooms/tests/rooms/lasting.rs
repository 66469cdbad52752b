//! Rooms whose readers see numbers alone: these go on whatever happens.

use crate::reader::{BOOT, Reader, SESSION, open, publish, small};
use rooms::{After, Loss, Rooms, Settings};
use std::{
    fs,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

const MOST: u32 = 64;

/// Somebody sees the room's numbers, and leaves.
async fn show(rooms: &Rooms) {
    let shown = rooms.subscribe_lasting(SESSION, 1, After::Now, MOST).await;
    shown.unwrap();
}

/// The numbers and texts that a reader gets after `after`.
async fn read(rooms: &Rooms, after: u64, last: u64) -> (Vec<Loss>, u64, Vec<String>) {
    let mut reader = Reader::enter(rooms, After::Number(after)).await;
    while reader.last.seq != last {
        assert_eq!(reader.take().await, None);
    }
    let first = last - reader.texts.len() as u64 + 1;
    (reader.losses, first, reader.texts)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder.join(SESSION.to_string())).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|name| name == "log"));
    files.sort();
    files
}

/// The machine died, and whatever it was that stood behind the last event that was shown: all of
/// them are there, and the next has the next number.
#[tokio::test]
async fn the_machine_dies() {
    let rests: [&[u8]; 5] = [
        b"",
        b"\x00\x00\x00\x00\x00\x00\x00\x00",
        &[0; 4000],
        &[0xff; 40],
        b"\x07\x00",
    ];
    for (at, rest) in rests.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let rooms = open(folder.path(), small());
        publish(&rooms, "0").await;
        show(&rooms).await;
        for number in 1..20 {
            publish(&rooms, number.to_string()).await;
        }
        drop(rooms);
        let mut last = files(folder.path()).pop().unwrap();
        if at == 0 {
            // A file that was begun, and of which nothing reached the disk.
            last = last.with_file_name("00000000000000000021.log");
        }
        let file = fs::OpenOptions::new().append(true).create(true).open(last);
        file.unwrap().write_all(rest).unwrap();
        for boot in ["another", "a third"] {
            let rooms = Rooms::open_in(folder.path(), small(), boot).unwrap();
            let next = publish(&rooms, "next").await.seq;
            let (losses, first, texts) = read(&rooms, 0, next).await;
            assert_eq!((losses, first), (vec![], 1), "{at}");
            let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
            assert_eq!(texts[..20], expected, "{at}");
            assert_eq!(next, texts.len() as u64, "{at}");
        }
    }
}

/// Who never saw a number cannot miss it: other rooms are dropped as ever.
#[tokio::test]
async fn a_room_that_nobody_was_in_is_dropped_with_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    publish(&rooms, "0").await;
    drop(Reader::enter(&rooms, After::Start).await);
    drop(rooms);
    let rooms = Rooms::open_in(folder.path(), small(), "another").unwrap();
    assert_eq!(publish(&rooms, "1").await.seq, 1);
}

/// Who was told a number and never entered does not meet it again either.
#[tokio::test]
async fn a_number_that_was_asked_for_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    assert_eq!(rooms.newest(SESSION).await.unwrap(), 0);
    assert!(!folder.path().join(SESSION.to_string()).exists());
    publish(&rooms, "1").await;
    assert_eq!(rooms.newest(SESSION).await.unwrap(), 1);
    publish(&rooms, "2").await;
    drop(rooms);
    let old = Settings {
        age: Duration::ZERO,
        ..small()
    };
    let rooms = Rooms::open_in(folder.path(), old, "another").unwrap();
    rooms.forget_old().await.unwrap();
    assert_eq!(publish(&rooms, "3").await.seq, 3);
    rooms.delete(SESSION).await.unwrap();
    assert_eq!(rooms.newest(SESSION).await.unwrap(), 0);
}

#[tokio::test]
async fn which_rooms_have_readers_and_which_last() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), Settings::default());
    let [own, lasting, shared] = [1, 2, 3].map(Uuid::from_u128);
    let readers = [
        rooms.subscribe(own, 1, After::Now).await.unwrap(),
        rooms
            .subscribe_lasting(lasting, 1, After::Now, MOST)
            .await
            .unwrap(),
        rooms.subscribe_shared(shared, 1, After::Now).await.unwrap(),
    ];
    let occupied = || {
        let mut occupied = rooms.occupied();
        occupied.sort_unstable();
        occupied
    };
    assert_eq!(occupied(), [own, lasting]);
    assert_eq!(rooms.lasting().await.unwrap(), [lasting]);
    drop(readers);
    assert!(occupied().is_empty());
    assert_eq!(rooms.lasting().await.unwrap(), [lasting]);
    rooms.delete(lasting).await.unwrap();
    assert!(rooms.lasting().await.unwrap().is_empty());
}

/// Old rooms are forgotten while they are used: whoever comes meanwhile waits, and numbers go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_go_on_while_rooms_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let old = Settings {
        age: Duration::ZERO,
        ..small()
    };
    let rooms = open(folder.path(), old);
    show(&rooms).await;
    let done = Arc::new(AtomicBool::new(false));
    let forgetting = {
        let (rooms, done) = (rooms.clone(), done.clone());
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                rooms.sweep().await.unwrap();
                rooms.forget_old().await.unwrap();
            }
        })
    };
    for number in 1..=200 {
        assert_eq!(publish(&rooms, number.to_string()).await.seq, number);
    }
    done.store(true, Ordering::Relaxed);
    forgetting.await.unwrap();
    assert_eq!(rooms.newest(SESSION).await.unwrap(), 200);
}

#[tokio::test]
async fn what_is_too_old_leaves_its_number_behind() {
    let folder = tempfile::tempdir().unwrap();
    let old = Settings {
        age: Duration::ZERO,
        ..small()
    };
    let rooms = open(folder.path(), small());
    show(&rooms).await;
    for number in 0..20 {
        publish(&rooms, number.to_string()).await;
    }
    drop(rooms);
    assert!(files(folder.path()).len() > 1);
    for boot in [BOOT, "another"] {
        let rooms = Rooms::open_in(folder.path(), old.clone(), boot).unwrap();
        for _ in 0..3 {
            rooms.forget_old().await.unwrap();
            assert_eq!(files(folder.path()).len(), 1);
        }
        drop(rooms);
    }
    let rooms = open(folder.path(), small());
    assert_eq!(rooms.newest(SESSION).await.unwrap(), 20);
    assert_eq!(publish(&rooms, "next").await.seq, 21);
    for after in [0, 7, 19] {
        let (losses, first, _) = read(&rooms, after, 21).await;
        assert_eq!((losses, first), (vec![Loss::TooOld], 21), "{after}");
    }
    let (losses, first, _) = read(&rooms, 20, 21).await;
    assert_eq!((losses, first), (vec![], 21));
    // It goes with its session.
    rooms.delete(SESSION).await.unwrap();
    assert!(!folder.path().join(SESSION.to_string()).exists());
}

/// Bytes that were right are wrong: what can be known of the numbers is that none comes twice.
#[tokio::test]
async fn a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    show(&rooms).await;
    for number in 0..20 {
        publish(&rooms, number.to_string()).await;
    }
    drop(rooms);
    let last = files(folder.path()).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    for at in (8..whole.len()).step_by(23) {
        let copy = tempfile::tempdir().unwrap();
        let room = copy.path().join(SESSION.to_string());
        fs::create_dir(&room).unwrap();
        for file in fs::read_dir(folder.path().join(SESSION.to_string())).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), room.join(file.file_name())).unwrap();
        }
        fs::copy(folder.path().join("last"), copy.path().join("last")).unwrap();
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(room.join(last.file_name().unwrap()), changed).unwrap();
        for _ in 0..2 {
            let rooms = open(copy.path(), small());
            let next = publish(&rooms, "next").await.seq;
            // A changed length can look like an end that was torn.
            let torn = read(&rooms, next - 1, next).await.2 == ["next"] && next <= 20;
            assert!(torn || next > 20, "{at}: {next}");
            if !torn {
                let (losses, _, texts) = read(&rooms, 20, next).await;
                assert!(losses.is_empty() || losses == [Loss::TooOld], "{at}");
                assert!(texts.iter().all(|text| text == "next"), "{at}");
            }
        }
    }
}

/// Numbers of a reader who sees numbers alone.
#[tokio::test]
async fn what_a_reader_may_name() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), Settings::default());
    for number in 0..5 {
        publish(&rooms, number.to_string()).await;
    }
    let enter = async |after| {
        let entered = rooms.subscribe_lasting(SESSION, 1, after, MOST).await;
        let reader = entered.unwrap();
        (reader.after().seq, reader.newest())
    };
    assert_eq!(enter(After::Now).await, (5, 5));
    assert_eq!(enter(After::Number(0)).await, (0, 5));
    assert_eq!(enter(After::Number(3)).await, (3, 5));
    assert_eq!(enter(After::Number(6)).await, (0, 5));
    assert_eq!(enter(After::Unknown).await, (0, 5));
    let _one = rooms
        .subscribe_lasting(SESSION, 1, After::Now, 1)
        .await
        .unwrap();
    assert!(
        rooms
            .subscribe_lasting(SESSION, 1, After::Now, 1)
            .await
            .is_err()
    );
    // Another way in has its own limit.
    rooms.subscribe(SESSION, 1, After::Now).await.unwrap();
}
