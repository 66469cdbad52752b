//! Sandboxes and rooms when the runner is killed: files stay, nothing is left over, and a reader
//! misses nothing and sees nothing twice.

use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path, time::Duration};
use tests::{Person, Room, eventually, processes::Processes};

/// How often the runner is killed, and how often a reader's connection is cut.
const KILLS: u32 = 5;
const CUTS: u32 = 20;

/// Processes that hold a sandbox of that state folder.
fn keepers(state: &Path) -> usize {
    let state = state.to_string_lossy().into_owned();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("hold") && line.contains(&state)
    })
    .count()
}

async fn launch(person: &Person) -> String {
    let launched = person.done("POST /api/v1/sandbox/launch", &json!({})).await;
    launched["session_id"].as_str().unwrap().to_owned()
}

/// Tries until the runner is there again.
async fn exec(person: &Person, session: &str, command: &str) -> Value {
    let body = json!({ "session_id": session, "command": command });
    eventually("a command that runs", async || {
        let request = person
            .request("POST /api/v1/sandbox/exec")
            .header("content-type", "application/json");
        let answer = person.door.try_send(request, body.to_string()).await.ok()?;
        (answer.status == 200).then(|| answer.json())
    })
    .await
}

#[tokio::test]
async fn a_killed_runner_loses_no_files_and_leaves_nothing_behind() {
    let mut stack = Processes::start().await;
    let person = stack.administrator().await;
    let id = launch(&person).await;
    exec(&person, &id, "echo kept > kept.txt").await;
    for round in 0..KILLS {
        // In the middle of a launch, of a command, and of nothing.
        let (launching, running) = (person.clone(), person.clone());
        let session = id.clone();
        let launching = tokio::spawn(async move {
            let request = launching
                .request("POST /api/v1/sandbox/launch")
                .header("content-type", "application/json");
            launching.door.try_send(request, "{}").await.is_ok()
        });
        let running = tokio::spawn(async move {
            let body = json!({ "session_id": session, "command": "sleep 30" });
            let request = running
                .request("POST /api/v1/sandbox/exec")
                .header("content-type", "application/json");
            running
                .door
                .try_send(request, body.to_string())
                .await
                .is_ok()
        });
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 15)).await;
        stack.kill_and_restart_runner().await;
        assert!(!running.await.unwrap());
        launching.await.unwrap();
        assert_eq!(exec(&person, &id, "cat kept.txt").await["stdout"], "kept\n");
    }
    let state = stack.state.runner();
    let known = eventually("what runs is what is known", async || {
        let sessions = person.done("GET /api/v1/sessions", &Value::Null).await;
        let with = sessions.as_array().unwrap().iter();
        let with = with.filter(|session| session["sandbox"]["status"] == "running");
        let known = with.count();
        (keepers(&state) == known).then_some(known)
    })
    .await;
    let destroyed = person
        .done("POST /api/v1/sandbox/destroy_all", &json!({}))
        .await;
    assert!(destroyed["destroyed"].as_u64().unwrap() >= known as u64);
    assert_eq!(keepers(&state), 0);
}

#[tokio::test]
async fn readers_that_are_cut_off_miss_nothing() {
    let mut stack = Processes::start().await;
    let person = stack.administrator().await;
    let id = launch(&person).await;
    let mut seen = Vec::new();
    let mut after = String::from("0");
    for cut in 0..CUTS {
        let written = format!("for i in 1 2 3 4 5; do echo $i > f{cut}-$i; done");
        exec(&person, &id, &written).await;
        if cut % 4 == 3 {
            stack.kill_and_restart_runner().await;
        }
        let mut room = eventually("a room to enter", async || {
            let path = format!("/api/ws/sessions/{id}?last_event_id={after}");
            Room::try_enter(&person, &path, Some(&person.token))
                .await
                .ok()
        })
        .await;
        // Cut at the first event of this round: in the middle of what there is. A runner that has
        // just started may not have seen the files, and says: look at everything.
        let of_this_round = format!("f{cut}-");
        loop {
            let frame = room.next().await.unwrap();
            assert_ne!(frame["type"], "history_lost", "{frame}");
            after = frame["event_id"].as_str().unwrap().to_owned();
            seen.push(after.clone());
            let path = frame["path"].as_str().unwrap();
            if path.is_empty() || path.starts_with(&of_this_round) {
                break;
            }
        }
    }
    let mut room = Room::enter(&person, &id, Some(&after)).await;
    exec(&person, &id, "echo last > last.txt").await;
    loop {
        let frame = room.next().await.unwrap();
        seen.push(frame["event_id"].as_str().unwrap().to_owned());
        // A runner that has just started may not have seen it, and says: look at everything.
        if frame["path"] == "last.txt" || frame["path"] == "" {
            break;
        }
    }
    let (epochs, numbers): (BTreeSet<&str>, Vec<u64>) = seen
        .iter()
        .map(|id| id.split_once(':').unwrap())
        .map(|(epoch, number)| (epoch, number.parse::<u64>().unwrap()))
        .unzip();
    assert_eq!(epochs.len(), 1, "{epochs:?}");
    let all: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, all);
    person
        .done("POST /api/v1/sandbox/destroy_all", &json!({}))
        .await;
}
