//! A runner comes after another that ended somehow.

use crate::fake::{ALONE, Ground, launched, until};
use sandbox::{
    backend::SandboxId,
    registry::{Recovered, Status},
};
use std::{fs, time::Duration};
use uuid::Uuid;

#[tokio::test(start_paused = true)]
async fn what_runs_and_is_known_is_adopted_and_the_rest_is_ended() {
    let ground = Ground::new();
    let (sandboxes, _) = ground.open(|settings| settings.pool = 2).await;
    until("the pool is full", || sandboxes.counts().pooled == 2).await;
    let (running, running_id) = launched(&sandboxes).await;
    let (dead, dead_id) = launched(&sandboxes).await;
    let (stopped, stopped_id) = launched(&sandboxes).await;
    for session in [running, dead, stopped] {
        let files = sandboxes.files(session).unwrap();
        fs::write(files.workspace.join("file"), session.to_string()).unwrap();
    }
    sandboxes.stop(stopped).await.unwrap();
    until("the pool is full", || sandboxes.counts().pooled == 2).await;
    let before = sandboxes.status(running).unwrap();
    sandboxes.shutdown().await.unwrap();
    assert!(ground.fake.runs(running_id), "it outlasts its runner");

    ground.fake.kill(dead_id);
    // The runner ended after storing that it stops and before it did.
    ground.fake.begin(stopped_id);
    let stranger = SandboxId(Uuid::new_v4());
    ground.fake.begin(stranger);
    let state = ground.folder.path().join("sandboxes");
    fs::create_dir_all(state.join("00000000000000000000000000000000/workspace/a")).unwrap();
    fs::write(state.join("x.json.unfinished"), "{").unwrap();

    let (again, recovered) = ground.open(|settings| settings.pool = 1).await;
    let expected = Recovered {
        adopted: 2,
        stopped: 2,
        orphans: 2,
        folders: 1,
        unreadable: 0,
    };
    assert_eq!(recovered, expected);
    assert_eq!(again.status(running).unwrap(), before);
    assert_eq!(again.counts().pooled, 1);
    assert_eq!(
        ground.fake.ids().len(),
        2,
        "the adopted one, and one of the pool"
    );
    for session in [running, dead, stopped] {
        let used = again.wake(session).await.unwrap();
        let file = fs::read_to_string(used.workspace().join("file"));
        assert_eq!(file.unwrap(), session.to_string());
    }
    assert_eq!(ground.names().len(), 2 * 4);
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_was_cut_off_is_done() {
    let ground = Ground::new();
    let (sandboxes, _) = ground.open(|_| {}).await;
    let (session, id) = launched(&sandboxes).await;
    let refuse = |refuse| {
        let flag = &ground.fake.refuse_stop;
        flag.store(refuse, std::sync::atomic::Ordering::SeqCst);
    };
    refuse(true);
    sandboxes.destroy(session).await.unwrap_err();
    sandboxes.shutdown().await.unwrap();
    refuse(false);
    let (again, _) = ground.open(|_| {}).await;
    assert!(!ground.fake.runs(id));
    assert!(again.sessions().is_empty());
    assert_eq!(ground.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_stops_nothing_and_costs_no_file() {
    let whole = |version: u32, id: &str| {
        format!(
            r#"{{"version":{version},"id":"{id}","owner":null,"network":false,"user":[1,1],
                "created_at":1,"last_used_at":1,"phase":"stopped"}}"#
        )
    };
    let ids: Vec<String> = (0..5)
        .map(|_| Uuid::new_v4().simple().to_string())
        .collect();
    let records = [
        String::new(),
        whole(1, &ids[1])[..40].to_owned(),
        whole(2, &ids[2]),
        whole(1, &ids[0]),
        "[".repeat(100_000),
    ];
    let ground = Ground::new();
    let state = ground.folder.path().join("sandboxes");
    for (id, record) in ids.iter().zip(records) {
        fs::create_dir_all(state.join(id).join("workspace")).unwrap();
        fs::write(state.join(id).join("workspace/file"), "kept").unwrap();
        fs::write(state.join(format!("{id}.json")), record).unwrap();
    }
    let runs = SandboxId(Uuid::try_parse(&ids[0]).unwrap());
    ground.fake.begin(runs);
    for _ in 0..2 {
        let (sandboxes, recovered) = ground.open(|_| {}).await;
        assert_eq!(recovered.unreadable, 5);
        assert!(!ground.fake.runs(runs), "it is nobody's");
        for id in &ids {
            assert!(state.join(id).join("workspace/file").exists());
        }
        launched(&sandboxes).await;
        sandboxes.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_age_counts_on_across_runners() {
    let ground = Ground::new();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let (sandboxes, _) = ground.open(|_| {}).await;
    let (session, _) = launched(&sandboxes).await;
    tokio::time::sleep(hours(12)).await;
    sandboxes.launch(session, ALONE).await.unwrap();
    sandboxes.stop(session).await.unwrap();
    sandboxes.shutdown().await.unwrap();
    tokio::time::sleep(hours(23)).await;
    let (again, _) = ground.open(|_| {}).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(again.status(session).unwrap().status, Status::Stopped);
    tokio::time::sleep(hours(1)).await;
    assert!(again.sessions().is_empty());
}
