//! A session is deleted, or forgotten.

use crate::reader::{Reader, SESSION, event, open, publish, small};
use rooms::{After, Closed, Loss, Presence, PublishError, Settings, SubscribeError};
use std::{fs, time::Duration};
use uuid::Uuid;

#[tokio::test]
async fn readers_are_told_and_files_removed() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let first = publish(&rooms, "first").await;
    let mut idle = Reader::enter(&rooms, After::Now).await;
    let mut behind = Reader::enter(&rooms, After::Start).await;
    rooms.delete(SESSION).await.unwrap();
    assert_eq!(idle.take().await, Some(Closed::Deleted));
    assert_eq!(behind.take().await, Some(Closed::Deleted));
    let left = std::fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| name == "lock" || name == "last"),
        "{left:?}"
    );
    // The same session again is another history.
    let again = publish(&rooms, "again").await;
    assert_ne!(again.epoch, first.epoch);
    let mut reader = Reader::enter(&rooms, After::Event(first)).await;
    reader.read_to(again).await;
    assert_eq!(reader.losses, [Loss::Unknown]);
    assert_eq!(reader.texts, ["again"]);
}

#[tokio::test]
async fn a_room_that_nobody_has_used_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    rooms.delete(SESSION).await.unwrap();
    rooms.delete(SESSION).await.unwrap();
    assert_eq!(publish(&rooms, "first").await.seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deleting_while_others_publish_and_enter() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let publisher = {
        let rooms = rooms.clone();
        tokio::spawn(async move {
            for _ in 0..300 {
                match rooms.publish(SESSION, vec![event("x")]).await {
                    Ok(_) | Err(PublishError::Deleted) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    };
    let entering = {
        let rooms = rooms.clone();
        tokio::spawn(async move {
            for _ in 0..300 {
                match rooms.subscribe(SESSION, 1, After::Start).await {
                    Ok(_) | Err(SubscribeError::Closed(Closed::Deleted)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    };
    for _ in 0..100 {
        rooms.delete(SESSION).await.unwrap();
    }
    publisher.await.unwrap();
    entering.await.unwrap();
    rooms.delete(SESSION).await.unwrap();
    assert!(!folder.path().join(SESSION.to_string()).exists());
    assert_eq!(rooms.presence(SESSION), Presence::default());
}

#[tokio::test]
async fn rooms_that_are_old_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        age: Duration::ZERO,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    let first = publish(&rooms, "first").await;
    rooms.forget_old().await.unwrap();
    assert!(
        folder.path().join(SESSION.to_string()).exists(),
        "it is in use"
    );
    rooms.sweep().await.unwrap();
    rooms.forget_old().await.unwrap();
    assert!(!folder.path().join(SESSION.to_string()).exists());
    assert_eq!(rooms.counts().rooms, 0);
    let mut reader = Reader::enter(&rooms, After::Event(first)).await;
    assert_eq!(reader.take().await, None);
    assert_eq!(reader.losses, [Loss::Unknown]);
}

#[tokio::test]
async fn a_room_that_cannot_be_forgotten_keeps_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        age: Duration::ZERO,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    let at = |session: &Uuid| folder.path().join(session.to_string());
    let others: Vec<Uuid> = (100..120).map(Uuid::from_u128).collect();
    for session in &others {
        rooms.publish(*session, vec![event("x")]).await.unwrap();
    }
    rooms.sweep().await.unwrap();
    // A lasting room whose file cannot be read.
    let broken = at(&SESSION);
    fs::create_dir_all(broken.join("00000000000000000001.log")).unwrap();
    fs::write(broken.join("lasting"), "").unwrap();
    assert!(rooms.forget_old().await.is_err());
    assert!(others.iter().all(|session| !at(session).exists()));
    assert!(broken.exists());
    assert_eq!(rooms.counts().rooms, 0);
}

#[tokio::test]
async fn a_stop_lets_readers_finish() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = open(folder.path(), small());
    let mut reader = Reader::enter(&rooms, After::Now).await;
    let last = publish(&rooms, "last").await;
    rooms.stop();
    reader.read_to(last).await;
    assert_eq!(reader.take().await, Some(Closed::Stopping));
    let late = rooms.publish(SESSION, vec![event("late")]).await;
    assert!(matches!(late, Err(PublishError::Stopping)));
    let late = rooms.subscribe(SESSION, 1, After::Now).await;
    assert!(matches!(
        late,
        Err(SubscribeError::Closed(Closed::Stopping))
    ));
}
