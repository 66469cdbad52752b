//! Every input has a limit.

use crate::reader::{SESSION, event, open, publish, small};
use rooms::{After, Presence, PublishError, Settings, SubscribeError};
use uuid::Uuid;

#[tokio::test]
async fn readers_per_room_and_user() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        readers_per_room: 3,
        readers_per_user: 2,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    let other = Uuid::from_u128(8);
    let mut occupancy = rooms.occupancy();
    let enter = async |session, user| rooms.subscribe(session, user, After::Now).await;
    let first = enter(SESSION, 1).await.unwrap();
    assert_eq!(occupancy.recv().await.unwrap(), SESSION);
    let second = enter(other, 1).await.unwrap();
    assert_eq!(occupancy.recv().await.unwrap(), other);
    // A user's readers count in all rooms.
    assert!(matches!(
        enter(SESSION, 1).await,
        Err(SubscribeError::UserFull)
    ));
    let _third = enter(SESSION, 2).await.unwrap();
    let _fourth = enter(SESSION, 2).await.unwrap();
    assert!(matches!(
        enter(SESSION, 3).await,
        Err(SubscribeError::RoomFull)
    ));
    let presence = |connections, users| Presence { connections, users };
    assert_eq!(rooms.presence(SESSION), presence(3, 2));
    assert_eq!(rooms.counts().readers, 4);
    drop((first, second));
    assert_eq!(occupancy.recv().await.unwrap(), other, "nobody is there");
    assert_eq!(rooms.presence(SESSION), presence(2, 1));
    assert_eq!(rooms.presence(other), presence(0, 0));
    // Who was refused did not take a place.
    let _again = enter(SESSION, 3).await.unwrap();
    assert_eq!(rooms.counts().readers, 3);
}

#[tokio::test]
async fn sizes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        event: 1000,
        publication: 2000,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    let try_sizes = async |sizes: &[usize]| {
        let events = sizes.iter().map(|size| event("x".repeat(*size)));
        rooms.publish(SESSION, events.collect()).await
    };
    assert!(try_sizes(&[900]).await.is_ok());
    for sizes in [&[1001][..], &[1, 1001], &[800, 800, 800]] {
        let refused = try_sizes(sizes).await;
        assert!(
            matches!(refused, Err(PublishError::TooLarge { .. })),
            "{sizes:?}"
        );
    }
    // All or none: the refused ones took no number.
    assert_eq!(publish(&rooms, "next").await.seq, 2);
    assert_eq!(try_sizes(&[]).await.unwrap(), []);
    assert_eq!(rooms.counts().failed, 3);
}

#[tokio::test]
async fn rooms_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        rooms: 2,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    let into = async |number: u128| {
        rooms
            .publish(Uuid::from_u128(number), vec![event("x")])
            .await
    };
    into(1).await.unwrap();
    into(2).await.unwrap();
    assert!(matches!(into(3).await, Err(PublishError::Full)));
    let _reader = rooms
        .subscribe(Uuid::from_u128(2), 1, After::Now)
        .await
        .unwrap();
    rooms.sweep().await.unwrap();
    assert_eq!(rooms.counts().rooms, 1, "the occupied one stays");
    into(3).await.unwrap();
}

#[tokio::test]
async fn the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        segment: 10_000,
        disk: 50_000,
        ..small()
    };
    let rooms = open(folder.path(), settings);
    for _ in 0..500 {
        publish(&rooms, "x".repeat(500)).await;
    }
    let files = std::fs::read_dir(folder.path().join(SESSION.to_string())).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!((30_000..=61_000).contains(&bytes), "{bytes}");
}
