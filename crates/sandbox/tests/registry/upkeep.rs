//! Quotas, memory, idleness, age, and sandboxes that end by themselves.

use crate::fake::{Ground, launched, until};
use sandbox::registry::{Quota, SandboxError, Status};
use std::{fs, time::Duration};

#[tokio::test(start_paused = true)]
async fn one_that_nobody_uses_is_stopped_and_later_destroyed() {
    let ground = Ground::new();
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let (sandboxes, _) = ground
        .open(|settings| {
            settings.idle = minutes(3);
            settings.ttl = minutes(60);
        })
        .await;
    let (session, id) = launched(&sandboxes).await;
    let status = |session| sandboxes.status(session).unwrap().status;

    tokio::time::sleep(minutes(2)).await;
    assert_eq!(status(session), Status::Running);
    tokio::time::sleep(minutes(2)).await;
    assert_eq!(status(session), Status::Stopped);
    assert!(!ground.fake.runs(id));

    // Looking at files is a use, starting it is none of its business.
    tokio::time::sleep(minutes(55)).await;
    let files = sandboxes.files(session).unwrap();
    assert!(files.workspace.is_dir());
    tokio::time::sleep(minutes(59)).await;
    assert_eq!(status(session), Status::Stopped);
    tokio::time::sleep(minutes(2)).await;
    assert!(matches!(
        sandboxes.status(session),
        Err(SandboxError::NotFound)
    ));
    assert!(!files.workspace.exists());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_in_use_is_neither_idle_nor_old() {
    let ground = Ground::new();
    let (sandboxes, _) = ground
        .open(|settings| {
            settings.idle = Duration::from_secs(20);
            settings.ttl = Duration::from_secs(60);
        })
        .await;
    let (session, id) = launched(&sandboxes).await;
    let held = sandboxes.wake(session).await.unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(ground.fake.runs(id));
    drop(held);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(sandboxes.status(session).unwrap().status, Status::Stopped);
}

#[tokio::test]
async fn one_that_ends_by_itself_is_started_again_by_its_next_use() {
    let ground = Ground::new();
    let (sandboxes, _) = ground.open(|_| {}).await;
    let (session, id) = launched(&sandboxes).await;
    let first = sandboxes.wake(session).await.unwrap();
    ground.fake.kill(id);
    // At once, whether its end was noticed or not.
    let second = sandboxes.wake(session).await.unwrap();
    assert_ne!(first.live().running.init, second.live().running.init);
    ground.fake.kill(id);
    let stopped = || sandboxes.status(session).unwrap().status == Status::Stopped;
    until("its end is noticed", stopped).await;
    assert!(ground.fake.ids().is_empty());
    sandboxes.wake(session).await.unwrap();
    assert_eq!(ground.fake.started(), 3);
}

#[tokio::test(start_paused = true)]
async fn over_the_quota_commands_end_and_only_deleting_helps() {
    let ground = Ground::new();
    let quota = Quota {
        bytes: 8 << 20,
        files: 50,
    };
    let (sandboxes, _) = ground.open(|settings| settings.quota = quota).await;
    let (session, _) = launched(&sandboxes).await;
    let used = sandboxes.wake(session).await.unwrap();
    let workspace = used.workspace();
    let status = || sandboxes.status(session).unwrap().status;
    let second = Duration::from_secs(2);

    fs::write(workspace.join("large"), vec![7; 9 << 20]).unwrap();
    until("it is stopped", || status() == Status::Stopped).await;
    let refused = sandboxes.files_to_write(session).unwrap_err();
    assert!(
        refused.to_string().contains("8 MiB are allowed"),
        "{refused}"
    );
    assert_eq!(sandboxes.counts().full, 1);

    // It may run again, to delete; growing ends it again.
    let again = sandboxes.wake(session).await.unwrap();
    tokio::time::sleep(second).await;
    assert_eq!(status(), Status::Running);
    fs::write(workspace.join("more"), vec![7; 4 << 20]).unwrap();
    until("it is stopped again", || status() == Status::Stopped).await;

    fs::remove_file(workspace.join("large")).unwrap();
    fs::remove_file(workspace.join("more")).unwrap();
    until("it may be written", || {
        sandboxes.files_to_write(session).is_ok()
    })
    .await;

    for number in 0..60 {
        fs::write(workspace.join(number.to_string()), "").unwrap();
    }
    sandboxes.changed(session);
    until("too many files", || {
        sandboxes.files_to_write(session).is_err()
    })
    .await;
    drop((used, again));
}

#[tokio::test(start_paused = true)]
async fn where_the_hosts_disk_is_nearly_full_nobody_writes() {
    let ground = Ground::new();
    let (sandboxes, _) = ground
        .open(|settings| settings.floor.bytes = u64::MAX)
        .await;
    let (session, id) = launched(&sandboxes).await;
    until("it is refused", || {
        sandboxes.files_to_write(session).is_err()
    })
    .await;
    until("it is stopped", || !ground.fake.runs(id)).await;
}

#[tokio::test(start_paused = true)]
async fn where_no_kernel_bounds_memory_the_registry_does() {
    let ground = Ground::new();
    let (sandboxes, _) = ground
        .open(|settings| settings.limits.memory = 1 << 12)
        .await;
    let (session, _) = launched(&sandboxes).await;
    let stopped = || sandboxes.status(session).unwrap().status == Status::Stopped;
    until("it is stopped", stopped).await;
}
