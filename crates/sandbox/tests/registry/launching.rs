//! Launching, limits, the pool, destroying.

use crate::fake::{ALONE, Ground, launched, until};
use sandbox::registry::{Change, Launch, SandboxError, Status};
use std::{sync::atomic::Ordering, time::Duration};
use uuid::Uuid;

#[tokio::test(start_paused = true)]
async fn twenty_launches_at_once_make_one_sandbox() {
    let ground = Ground::new();
    *ground.fake.slow.lock().unwrap() = Duration::from_secs(2);
    let (sandboxes, _) = ground.open(|_| {}).await;
    let session = Uuid::new_v4();
    let launches = (0..20).map(|_| sandboxes.launch(session, ALONE));
    let all = futures::future::join_all(launches).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(all.iter().filter(|one| one.created).count(), 1);
    assert!(all.iter().all(|one| one.sandbox.id == all[0].sandbox.id));
    assert_eq!(ground.fake.started(), 1);
    assert_eq!(sandboxes.sessions(), [session]);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_learn_why_a_start_failed_and_nothing_is_left() {
    let ground = Ground::new();
    *ground.fake.slow.lock().unwrap() = Duration::from_secs(30);
    ground.fake.refuse_start.store(true, Ordering::SeqCst);
    let (sandboxes, _) = ground.open(|_| {}).await;
    let session = Uuid::new_v4();
    let began = tokio::time::Instant::now();
    let launches = (0..20).map(|_| sandboxes.launch(session, ALONE));
    for failed in futures::future::join_all(launches).await {
        let error = failed.unwrap_err();
        assert!(matches!(&error, SandboxError::Unavailable { reason } if reason.contains("told")));
    }
    assert!(
        began.elapsed() < Duration::from_secs(31),
        "not one after the other"
    );
    assert!(matches!(
        sandboxes.status(session),
        Err(SandboxError::NotFound)
    ));
    assert_eq!(ground.names(), [""; 0]);
    ground.fake.refuse_start.store(false, Ordering::SeqCst);
    assert!(sandboxes.launch(session, ALONE).await.unwrap().created);
}

#[tokio::test(start_paused = true)]
async fn a_launch_goes_on_when_whoever_asked_goes_away() {
    let ground = Ground::new();
    *ground.fake.slow.lock().unwrap() = Duration::from_secs(5);
    let (sandboxes, _) = ground.open(|_| {}).await;
    let session = Uuid::new_v4();
    let launch = sandboxes.launch(session, ALONE);
    let cut = tokio::time::timeout(Duration::from_secs(1), launch).await;
    assert!(cut.is_err());
    assert_eq!(sandboxes.status(session).unwrap().status, Status::Starting);
    let runs = || sandboxes.status(session).unwrap().status == Status::Running;
    until("it runs", runs).await;
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_than_allowed_and_destroying_makes_room() {
    let ground = Ground::new();
    let (sandboxes, _) = ground
        .open(|settings| {
            settings.per_user = 2;
            settings.total = 3;
        })
        .await;
    let (first, _) = launched(&sandboxes).await;
    launched(&sandboxes).await;
    let third = sandboxes.launch(Uuid::new_v4(), ALONE).await.unwrap_err();
    assert!(
        third.to_string().starts_with("You have 2 sandboxes"),
        "{third}"
    );
    assert!(!sandboxes.launch(first, ALONE).await.unwrap().created);

    let of = |user| Launch {
        user,
        network: false,
        project: None,
        read_only: false,
    };
    sandboxes.launch(Uuid::new_v4(), of(2)).await.unwrap();
    let fourth = sandboxes.launch(Uuid::new_v4(), of(3)).await.unwrap_err();
    assert!(
        fourth.to_string().starts_with("The runner has 3"),
        "{fourth}"
    );

    assert_eq!(sandboxes.destroy_all(1).await.unwrap(), 2);
    assert_eq!(ground.fake.ids().len(), 1);
    sandboxes.launch(Uuid::new_v4(), of(3)).await.unwrap();
    assert!(!sandboxes.destroy(first).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_network_is_the_operators_to_give() {
    let ground = Ground::new();
    let wish = Launch {
        user: 1,
        network: true,
        project: None,
        read_only: false,
    };
    let (closed, _) = ground.open(|_| {}).await;
    let refused = closed
        .launch(Uuid::new_v4(), wish.clone())
        .await
        .unwrap_err();
    assert!(matches!(refused, SandboxError::NetworkNotAllowed));
    assert_eq!(ground.names(), [""; 0]);
    closed.shutdown().await.unwrap();

    let (open, _) = ground
        .open(|settings| {
            settings.network = true;
            settings.pool = 1;
        })
        .await;
    until("the pool is full", || open.counts().pooled == 1).await;
    let launched = open.launch(Uuid::new_v4(), wish).await.unwrap();
    assert!(launched.sandbox.network);
    assert_eq!(open.counts().pooled, 1, "those of the pool have none");
}

#[tokio::test(start_paused = true)]
async fn the_pool_gives_at_once_and_is_filled_again() {
    let ground = Ground::new();
    *ground.fake.slow.lock().unwrap() = Duration::from_secs(3);
    let (sandboxes, _) = ground.open(|settings| settings.pool = 3).await;
    until("the pool is full", || sandboxes.counts().pooled == 3).await;
    let began = tokio::time::Instant::now();
    let (session, id) = launched(&sandboxes).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(ground.fake.runs(id));
    until("it is filled again", || sandboxes.counts().pooled == 3).await;
    assert_eq!(ground.fake.started(), 4);
    assert_eq!(sandboxes.sessions(), [session]);

    // One that dies in the pool is not given to anybody.
    let pooled = ground
        .fake
        .ids()
        .into_iter()
        .find(|other| *other != id)
        .unwrap();
    ground.fake.kill(pooled);
    for _ in 0..3 {
        let (_, given) = launched(&sandboxes).await;
        assert_ne!(given, pooled);
        assert!(ground.fake.runs(given));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_cannot_be_filled_is_tried_again_and_leaves_nothing() {
    let ground = Ground::new();
    ground.fake.refuse_start.store(true, Ordering::SeqCst);
    let (sandboxes, _) = ground.open(|settings| settings.pool = 2).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(sandboxes.counts().pooled, 0);
    assert_eq!(ground.names(), [""; 0]);
    ground.fake.refuse_start.store(false, Ordering::SeqCst);
    until("the pool is full", || sandboxes.counts().pooled == 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told() {
    let ground = Ground::new();
    let (sandboxes, _) = ground.open(|_| {}).await;
    let mut told = sandboxes.subscribe();
    let (session, _) = launched(&sandboxes).await;
    let workspace = sandboxes.files(session).unwrap().workspace;
    std::fs::write(workspace.join("kept"), "x").unwrap();
    sandboxes.stop(session).await.unwrap();
    assert_eq!(sandboxes.status(session).unwrap().status, Status::Stopped);
    let used = sandboxes.wake(session).await.unwrap();
    assert!(used.workspace().join("kept").exists());
    assert!(sandboxes.destroy(session).await.unwrap());
    let changes = [
        Change::Started {
            workspace: workspace.clone(),
        },
        Change::Stopped,
        Change::Started { workspace },
        Change::Destroyed,
    ];
    for change in changes {
        let heard = told.recv().await.unwrap();
        assert_eq!((heard.session, heard.change), (session, change));
    }
    let entered = sandboxes.wake(session).await.unwrap_err();
    assert!(matches!(entered, SandboxError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_destroyed_at_once_is_destroyed_later() {
    let ground = Ground::new();
    let (sandboxes, _) = ground.open(|_| {}).await;
    let (session, id) = launched(&sandboxes).await;
    ground.fake.refuse_stop.store(true, Ordering::SeqCst);
    sandboxes.destroy(session).await.unwrap_err();
    assert!(sandboxes.sessions().is_empty());
    assert!(ground.fake.runs(id));
    // It is the session's no more, and a new one is another.
    let (_, other) = launched(&sandboxes).await;
    assert_ne!(other, id);
    ground.fake.refuse_stop.store(false, Ordering::SeqCst);
    until("it is gone", || sandboxes.counts().ending == 0).await;
    assert!(!ground.fake.runs(id));
    assert!(!ground.names().contains(&id.to_string()));
}

#[tokio::test(start_paused = true)]
async fn launching_and_destroying_at_once_leaves_all_or_nothing() {
    let ground = Ground::new();
    *ground.fake.slow.lock().unwrap() = Duration::from_millis(50);
    let (sandboxes, _) = ground.open(|settings| settings.pool = 2).await;
    let session = Uuid::new_v4();
    for round in 0..50_u64 {
        let destroyed = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            sandboxes.destroy(session).await
        };
        let (launched, destroyed) = tokio::join!(sandboxes.launch(session, ALONE), destroyed);
        launched.unwrap();
        destroyed.unwrap();
    }
    sandboxes.destroy(session).await.unwrap();
    until("only the pool is left", || {
        let counts = sandboxes.counts();
        counts.pooled == 2 && counts.ending == 0 && ground.fake.ids().len() == 2
    })
    .await;
    assert_eq!(ground.names().len(), 4);
}
