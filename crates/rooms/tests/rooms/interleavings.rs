//! Whatever happens in whatever order: readers get 1..n, or are told.

use crate::reader::{Reader, SESSION, event, open, publish, small};
use proptest::prelude::*;
use rooms::{After, Closed, EventId, Rooms, Settings};
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    Publish(u8),
    Enter,
    Take(u8),
    Cut(u8),
    Restart,
    CleanRestart,
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..9_u8).prop_map(Step::Publish),
        2 => Just(Step::Enter),
        6 => any::<u8>().prop_map(Step::Take),
        2 => any::<u8>().prop_map(Step::Cut),
        1 => Just(Step::Restart),
        1 => Just(Step::CleanRestart),
        1 => Just(Step::Sweep),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Plays `steps`; returns how often a reader was told of a loss.
async fn play(steps: Vec<Step>, settings: &Settings) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut rooms = open(folder.path(), settings.clone());
    let mut readers: Vec<Reader> = Vec::new();
    let mut head: Option<EventId> = None;
    for step in steps {
        match step {
            Step::Publish(count) => {
                let events = (0..count).map(|one| event(format!("{one}"))).collect();
                for id in rooms.publish(SESSION, events).await.unwrap() {
                    let before = head.map_or(0, |head| head.seq);
                    assert_eq!(id.seq, before + 1);
                    assert!(head.is_none_or(|head| head.epoch == id.epoch));
                    head = Some(id);
                }
            }
            Step::Enter => readers.push(Reader::enter(&rooms, After::Now).await),
            Step::Take(which) => {
                let count = readers.len().max(1);
                if let Some(reader) = readers.get_mut(usize::from(which) % count)
                    && head.is_some_and(|head| head.seq > reader.last.seq)
                {
                    reader.take().await;
                }
            }
            Step::Cut(which) => {
                let count = readers.len().max(1);
                if let Some(reader) = readers.get_mut(usize::from(which) % count) {
                    reader.resume(&rooms).await;
                }
            }
            Step::Restart | Step::CleanRestart => {
                readers.iter_mut().for_each(Reader::leave);
                if let Step::CleanRestart = step {
                    rooms.close().await.unwrap();
                }
                drop(rooms);
                rooms = open(folder.path(), settings.clone());
                for reader in &mut readers {
                    reader.resume(&rooms).await;
                }
            }
            Step::Sweep => rooms.sweep().await.unwrap(),
        }
    }
    for reader in &mut readers {
        while head.is_some_and(|head| reader.last != head) {
            // Events may be removed under a reader: it is cut off, comes again, and is told.
            match reader.take().await {
                None => {}
                Some(Closed::Slow) => reader.resume(&rooms).await,
                Some(why) => panic!("{why:?}"),
            }
        }
    }
    readers.iter().map(|reader| reader.losses.len()).sum()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_lost_while_the_disk_has_room(steps in steps()) {
        prop_assert_eq!(block_on(play(steps, &small())), 0);
    }

    #[test]
    fn what_the_disk_has_no_room_for_is_said(steps in steps()) {
        let settings = Settings { disk: 900, ..small() };
        block_on(play(steps, &settings));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishers_and_readers_at_once() {
    const EACH: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        segment: 20_000,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    let mut reading = Vec::new();
    for number in 0..12_u64 {
        let mut reader = Reader::enter(&rooms, After::Now).await;
        let rooms = rooms.clone();
        reading.push(tokio::spawn(async move {
            let mut cuts = number;
            while reader.last.seq < 4 * EACH {
                reader.take().await;
                cuts += 1;
                if cuts % 5 == 0 {
                    reader.resume(&rooms).await;
                }
            }
            assert_eq!(reader.losses, []);
            reader.texts
        }));
    }
    let sweeping = rooms.clone();
    let sweeper = tokio::spawn(async move {
        loop {
            sweeping.sweep().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let rooms = Arc::new(rooms);
    let publishing: Vec<_> = (0..4)
        .map(|publisher| tokio::spawn(publish_many(rooms.clone(), publisher, EACH)))
        .collect();
    for one in publishing {
        one.await.unwrap();
    }
    let mut all = Vec::new();
    for one in reading {
        all.push(one.await.unwrap());
    }
    sweeper.abort();
    assert!(all.windows(2).all(|two| two[0] == two[1]), "readers differ");
    for publisher in 0..4 {
        let prefix = format!("{publisher}-");
        let ours = all[0].iter().filter(|text| text.starts_with(&prefix));
        let expected = (0..EACH).map(|number| format!("{prefix}{number}"));
        assert!(ours.eq(expected.collect::<Vec<_>>().iter()));
    }
}

async fn publish_many(rooms: Arc<Rooms>, publisher: usize, count: u64) {
    for number in 0..count {
        publish(&rooms, format!("{publisher}-{number}")).await;
    }
}

#[tokio::test]
async fn whoever_begins_at_the_start_gets_all() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let mut last = None;
    for number in 0..50 {
        last = Some(publish(&rooms, format!("{number}")).await);
    }
    let mut reader = Reader::enter(&rooms, After::Start).await;
    reader.read_to(last.unwrap()).await;
    assert_eq!(reader.texts.len(), 50);
    assert_eq!(reader.losses, []);
}

#[tokio::test]
async fn a_reader_of_an_empty_room_resumes_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let mut reader = Reader::enter(&rooms, After::Now).await;
    reader.leave();
    drop(rooms);
    let rooms = open(folder.path(), small());
    let first = publish(&rooms, "first").await;
    reader.resume(&rooms).await;
    reader.read_to(first).await;
    assert_eq!(reader.losses, []);
    assert_eq!(reader.texts, ["first"]);
}
