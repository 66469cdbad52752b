//! `kill -9` of either side in the middle of 200 chats: what was acknowledged is there.

use model_stub::scripted::{Gate, Script};
use serde_json::json;
use std::time::Duration;
use tests::{Client, Stream, eventually, processes::Processes};
use tokio::task::JoinSet;

/// Chats under way when the process dies.
const CHATS: usize = 200;

/// A conversation whose answer has begun and waits.
struct Chat {
    name: String,
    conversation: i64,
    stream: Stream,
}

/// Has the model begin each answer and hold it at the gate.
fn hold_answers(stack: &Processes) -> Gate {
    let gate = Gate::new();
    let held = gate.clone();
    stack.model.answer_with(move |_| {
        let script = Script::new().token("begun, ").hold(&held).token("done");
        script.finish("stop").done()
    });
    gate
}

/// Brings the chats under way, all at once.
async fn begin(door: Client) -> Vec<Chat> {
    let mut beginning = JoinSet::new();
    for number in 0..CHATS {
        beginning.spawn(async move {
            let name = format!("user-{number}");
            let conversation = door.conversation_of(&name).await;
            let mut stream = door.ask(conversation, "begin").await;
            let event = stream.event().await.unwrap().unwrap();
            assert_eq!(event, "data: begun, \n\n");
            Chat {
                name,
                conversation,
                stream,
            }
        });
    }
    beginning.join_all().await
}

/// Signs users up until it fails; returns the names that were acknowledged.
async fn sign_up(door: Client) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let name = format!("late-{number}");
        let request =
            http::Request::post("/api/v1/users/").header("content-type", "application/json");
        let body = json!({ "username": name }).to_string();
        match door.try_send(request, body).await {
            Ok(answer) if answer.status == 200 => acknowledged.push(name),
            _ => break,
        }
    }
    acknowledged
}

fn check_integrity(stack: &Processes) {
    let sql = stack.state.sql();
    let check = sql.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(check.unwrap(), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_edge_dies() {
    let mut stack = Processes::start().await;
    let door = stack.door();
    let gate = hold_answers(&stack);
    let chats = begin(door).await;
    let late = tokio::spawn(sign_up(door));
    eventually("users sign up", async || {
        (door.get("/api/v1/users/late-20").await.status == 200).then_some(())
    })
    .await;
    stack.kill_edge().await;
    let late = late.await.unwrap();
    assert!(late.len() > 20, "{}", late.len());
    assert_eq!(door.get("/api/v1/health").await.status, 503);
    stack.restart_edge().await;
    check_integrity(&stack);
    // Who held the answers is gone; their leases would run out in a while.
    let expired = "UPDATE messages SET lease_until = 1 WHERE status = 'answering'";
    let cut = stack.state.sql().execute(expired, []).unwrap();
    assert_eq!(cut, CHATS);
    gate.release();
    eventually("the front door finds the edge", async || {
        (door.get("/api/v1/health").await.status == 200).then_some(())
    })
    .await;
    for name in chats.iter().map(|chat| &chat.name).chain(&late) {
        let answer = door.get(&format!("/api/v1/users/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    for chat in &chats {
        let messages = door.messages(chat.conversation).await;
        assert_eq!(
            messages[0],
            json!(["user", "begin", "complete"]),
            "{}",
            chat.name
        );
        assert_eq!(messages[1][2], "interrupted", "{}: {messages}", chat.name);
        let part = messages[1][1].as_str().unwrap();
        assert!("begun, ".starts_with(part), "{part}");
    }
    for chat in chats {
        let again = door.ask(chat.conversation, "again").await;
        assert_eq!(
            again.rest().await.unwrap(),
            "data: begun, \n\ndata: done\n\n"
        );
        let messages = door.messages_when(chat.conversation, 4).await;
        assert_eq!(messages[3], json!(["assistant", "begun, done", "complete"]));
    }
    check_integrity(&stack);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runner_dies() {
    let mut stack = Processes::start().await;
    let gate = hold_answers(&stack);
    let chats = begin(stack.door()).await;
    stack.kill_and_restart_runner().await;
    for chat in chats {
        // The reader learns that the stream broke off, instead of taking the part for the whole.
        let rest = tokio::time::timeout(Duration::from_secs(60), chat.stream.rest()).await;
        assert!(rest.unwrap().is_err(), "{}", chat.name);
        gate.release();
        let messages = stack.door().messages_when(chat.conversation, 2).await;
        assert_eq!(messages[1], json!(["assistant", "begun, done", "complete"]));
        assert_eq!(stack.edge().messages(chat.conversation).await, messages);
    }
    check_integrity(&stack);
}
