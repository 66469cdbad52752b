//! Runs when either side is killed: each ends, no step of it is done twice, nothing that was
//! acknowledged is lost, and whoever reads misses nothing and sees nothing twice.
//!
//! The moments are random. The seed is printed; `ATELIER_SEED` names one to be played again.

use model_stub::scripted::{Recorded, Script};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tests::{Chance, Person, Room, eventually, processes::Processes};
use tokio::task::JoinHandle;

/// Runs, and in each of them the edge and the runner are killed once.
const RUNS: u32 = 10;

/// Steps of a run, each a call that adds a line to a file.
const STEPS: usize = 10;

/// About how long a run takes that nobody disturbs, in milliseconds.
const RUN_MS: u64 = 1_200;

/// The next step, as a model decides that sees how many were done: half of them by a command, half
/// by a file tool.
fn next_step(asked: &Recorded) -> Script {
    let messages = asked.json["messages"].as_array().unwrap();
    let done = messages.iter().filter(|one| one["role"] == "tool").count();
    let number = done + 1;
    if number > STEPS {
        return Script::answer(&["All", " done."]);
    }
    let (tool, arguments) = match number % 2 {
        0 => (
            "append_file",
            json!({ "path": "steps.txt", "content": format!("step {number}\n") }),
        ),
        _ => (
            "exec",
            json!({ "command": format!("echo step {number} >> steps.txt") }),
        ),
    };
    Script::new()
        .token(&format!("Step {number}"))
        .wait(Duration::from_millis(20))
        .token(" follows.")
        .and_calls(&[(tool, arguments)])
}

/// Reads the session's room until its run has ended, however often the socket breaks off.
fn follow(person: &Person, session: &str) -> JoinHandle<Vec<Value>> {
    let (person, session) = (person.clone(), session.to_owned());
    tokio::spawn(async move {
        let mut frames: Vec<Value> = Vec::new();
        let mut after = "0".to_owned();
        loop {
            let path = format!("/api/ws/sessions/{session}?last_event_id={after}");
            let mut room = enter(&person, &path).await;
            while let Some(frame) = room.next().await {
                after = frame["event_id"].as_str().unwrap().to_owned();
                let ended = frame["type"] == "status"
                    && ["finished", "failed", "interrupted"]
                        .iter()
                        .any(|word| frame["status"] == *word);
                frames.push(frame);
                if ended {
                    return frames;
                }
            }
        }
    })
}

/// Enters a room as soon as somebody lets one in.
async fn enter(person: &Person, path: &str) -> Room {
    let waiting = async {
        loop {
            // Nobody may be listening just now.
            if let Ok(room) = Room::try_enter(person, path, Some(&person.token)).await {
                return room;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let entered = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    entered.expect("a room to enter")
}

/// Asks for ten steps; returns when the message is acknowledged: its event is there.
async fn ask(person: &Person, session: &str) {
    let body = json!({ "session_id": session, "content": "@Alex, ten steps please" });
    let line = "POST /api/v1/chat/messages";
    let mut stream = person.stream(line, "text/event-stream", &body).await;
    let first = stream.event().await.unwrap().unwrap();
    assert!(first.contains("ten steps please"), "{first}");
}

/// Kills one side and starts it again.
async fn kill(stack: &mut Processes, edge: bool) {
    if !edge {
        return stack.kill_and_restart_runner().await;
    }
    stack.kill_edge().await;
    stack.restart_edge().await;
    // Who held the run is gone; the lease would run out in a while.
    let expired = "UPDATE runs SET lease_until = 1 WHERE lease IS NOT NULL";
    stack.state.sql().execute(expired, []).unwrap();
}

/// Whatever the file has, each step is in it once at most; those that are known to be done are. (A
/// runner that dies under a command leaves a call that failed.)
async fn check_steps(stack: &Processes, person: &Person, session: &str) {
    let read = format!("GET /api/v1/files/{session}?path=steps.txt");
    let file = person.ask(&read, &Value::Null).await;
    let content = match file.status {
        200 => file.json()["content"].as_str().unwrap().to_owned(),
        404 => String::new(),
        status => panic!("{status}"),
    };
    let lines: Vec<&str> = content.lines().collect();
    let mut once = lines.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), lines.len(), "a step was repeated: {lines:?}");
    let results = "SELECT json_extract(body, '$.state') FROM steps \
        WHERE kind = 'result' AND session_id = (SELECT id FROM sessions WHERE uuid = ?1) \
        ORDER BY number";
    let sql = stack.state.sql();
    let mut results = sql.prepare(results).unwrap();
    let states = results.query_map([session], |row| row.get::<_, String>(0));
    let states: Vec<String> = states.unwrap().map(Result::unwrap).collect();
    assert_eq!(states.len(), STEPS, "{states:?}");
    for (number, state) in states.iter().enumerate() {
        let line = format!("step {}", number + 1);
        let is_there = lines.contains(&line.as_str());
        assert!(is_there || state != "done", "{line}: {state}: {lines:?}");
    }
}

/// One epoch, every number once and in order, and of every message the text that is stored.
async fn check_frames(person: &Person, session: &str, frames: &[Value]) {
    let ids = frames
        .iter()
        .map(|frame| frame["event_id"].as_str().unwrap());
    let (epochs, numbers): (Vec<&str>, Vec<u64>) = ids
        .map(|id| id.split_once(':').unwrap())
        .map(|(epoch, number)| (epoch, number.parse::<u64>().unwrap()))
        .unzip();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]), "{epochs:?}");
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected);
    assert!(frames.iter().all(|frame| frame["type"] != "history_lost"));
    let ended = frames.iter().filter(|frame| frame["final"] == true);
    let mut told = BTreeMap::new();
    for frame in ended {
        let id = frame["message_id"].as_str().unwrap().to_owned();
        let before = told.insert(id, frame["content"].clone());
        assert_eq!(before, None, "a message ended twice: {frame}");
    }
    let line = format!("GET /api/v1/sessions/{session}/messages");
    let stored = person.done(&line, &Value::Null).await;
    let stored = stored.as_array().unwrap().iter().map(|message| {
        let id = message["message_id"].as_str().unwrap().to_owned();
        (id, message["content"].clone())
    });
    assert_eq!(told, stored.collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_survives_kills_of_either_side() {
    let mut chance = Chance::new();
    let mut stack = Processes::start().await;
    stack.model.answer_with(next_step);
    let person = stack.administrator().await;
    for run in 0..RUNS {
        let session = person.session().await;
        let launch = json!({ "session_id": session });
        person.done("POST /api/v1/sandbox/launch", &launch).await;
        let reading = follow(&person, &session);
        ask(&person, &session).await;
        for edge in [run % 2 == 0, run % 2 == 1] {
            let moment = Duration::from_millis(chance.below(RUN_MS));
            tokio::time::sleep(moment).await;
            println!("run {run}: {} killed", if edge { "edge" } else { "runner" });
            kill(&mut stack, edge).await;
        }
        let frames = tokio::time::timeout(Duration::from_secs(60), reading).await;
        let frames = frames.expect("the run ends").unwrap();
        let ended = eventually("the run is recorded as ended", async || {
            let select = "SELECT runs.status || '/' || executions.status FROM runs \
                JOIN executions ON executions.uuid = runs.uuid \
                WHERE runs.session_id = (SELECT id FROM sessions WHERE uuid = ?1) \
                    AND runs.ended_at IS NOT NULL";
            let sql = stack.state.sql();
            let found = sql.query_row(select, [&session], |row| row.get::<_, String>(0));
            found.ok()
        })
        .await;
        assert_eq!(ended, "succeeded/SUCCEEDED");
        check_steps(&stack, &person, &session).await;
        check_frames(&person, &session, &frames).await;
        let destroy = json!({ "session_id": session });
        person.done("POST /api/v1/sandbox/destroy", &destroy).await;
    }
}
