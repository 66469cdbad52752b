//! A slow reader is cut off, and nobody else notices.

use crate::reader::{Reader, SESSION, open, publish, small};
use rooms::{After, Closed, Settings};

fn settings() -> Settings {
    Settings {
        lag_events: 20,
        ..small()
    }
}

#[tokio::test]
async fn one_that_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), settings());
    let mut slow = rooms.subscribe(SESSION, 1, After::Now).await.unwrap();
    let mut fast = Reader::enter(&rooms, After::Now).await;
    // Both are up to date once.
    let first = publish(&rooms, "first").await;
    fast.read_to(first).await;
    slow.next().await;
    let waiting = slow.next();
    drop(tokio::time::timeout(std::time::Duration::ZERO, waiting).await);
    for number in 0..20 {
        let id = publish(&rooms, format!("{number}")).await;
        fast.read_to(id).await;
        let still = tokio::time::timeout(std::time::Duration::ZERO, slow.overrun()).await;
        assert!(still.is_err(), "{number}: it may be that far behind");
    }
    let last = publish(&rooms, "one too many").await;
    assert_eq!(slow.overrun().await, Closed::Slow);
    fast.read_to(last).await;
    assert_eq!(rooms.counts().slow, 1);
    // It comes again, where it was.
    let mut again = Reader::enter(&rooms, After::Event(slow.after())).await;
    again.read_to(last).await;
    assert_eq!(again.texts.len(), 21);
    assert_eq!(again.losses, []);
}

#[tokio::test]
async fn one_that_reads_what_is_kept_may_take_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), settings());
    let mut last = publish(&rooms, "first").await;
    let mut reader = Reader::enter(&rooms, After::Start).await;
    for number in 0..500 {
        last = publish(&rooms, format!("{number}")).await;
    }
    reader.read_to(last).await;
    assert_eq!(reader.texts.len(), 501);
    assert_eq!(rooms.counts().slow, 0);
}

#[tokio::test]
async fn one_whose_events_are_removed_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        disk: 2000,
        ..settings()
    };
    let rooms = open(folder.path(), settings);
    let first = publish(&rooms, "first").await;
    let mut reader = Reader::enter(&rooms, After::Start).await;
    let mut last = first;
    for number in 0..200 {
        last = publish(&rooms, format!("{number}")).await;
    }
    assert_eq!(reader.take().await, Some(Closed::Slow));
    reader.resume(&rooms).await;
    reader.read_to(last).await;
    assert_eq!(reader.losses.len(), 1, "the loss is said");
}
