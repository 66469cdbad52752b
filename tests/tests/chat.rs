//! The `chat` contract through the front door, as its document tells it.

use model_stub::scripted::{Gate, Outcome, Script};
use serde_json::{Value, json};
use tests::{Stack, eventually};

#[tokio::test]
async fn the_documented_flow() {
    let stack = Stack::start().await;
    let door = stack.door();
    let asked = json!({ "username": "ada", "email": "ada@example.org" });
    let created = door.post("/api/v1/users/", &asked).await;
    assert_eq!(created.status, 200);
    let user = created.json();
    assert_eq!(user["username"], "ada");
    assert_eq!(user["email"], "ada@example.org");
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'));

    let taken = door.post("/api/v1/users/", &asked).await;
    assert_eq!(taken.status, 400);
    assert_eq!(taken.json()["detail"], "Username already registered");
    assert_eq!(door.get("/api/v1/users/ada").await.json(), user);
    let unknown = door.get("/api/v1/users/nobody").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["detail"], "User not found");

    let asked = json!({ "user_id": user["id"], "name": "The sky" });
    let conversation = door.post("/api/v1/conversations/", &asked).await.json();
    assert_eq!(conversation["user_id"], user["id"]);
    assert_eq!(conversation["name"], "The sky");
    let unnamed = door.conversation(user["id"].as_i64().unwrap()).await;

    let path = format!("/api/v1/users/{}/conversations", user["id"]);
    let listed = door.get(&path).await;
    assert_eq!(listed.header("x-total-count"), "2");
    let ids = |list: &Value| -> Vec<Value> {
        let list = list.as_array().unwrap().iter();
        list.map(|at| at["id"].clone()).collect()
    };
    assert_eq!(
        ids(&listed.json()),
        [json!(unnamed), conversation["id"].clone()]
    );
    let second = door.get(&format!("{path}?skip=1&limit=1")).await.json();
    assert_eq!(second, json!([conversation]));

    let missing = door.get("/api/v1/conversations/4711").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["detail"], "Conversation not found");
    stack.stop().await;
}

#[tokio::test]
async fn every_token_arrives_before_the_next_is_written() {
    let stack = Stack::start().await;
    let door = stack.door();
    let conversation = door.conversation_of("ada").await;
    let tokens = [
        "The", " sky", " is", " blue...", "\n", "天空", " a\nb", "[DONE]",
    ];
    let gates: Vec<Gate> = tokens.iter().map(|_| Gate::new()).collect();
    let script = tokens
        .iter()
        .zip(&gates)
        .fold(Script::new().head(), |script, (token, gate)| {
            script.token(token).hold(gate)
        });
    stack.model().push(script.finish("stop").done());

    let mut stream = door.ask(conversation, "What colour is the sky?").await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let events = [
        "data: The\n\n",
        "data:  sky\n\n",
        "data:  is\n\n",
        "data:  blue...\n\n",
        "data: \ndata: \n\n",
        "data: 天空\n\n",
        "data:  a\ndata: b\n\n",
        "data: [DONE]\n\n",
    ];
    for (event, gate) in events.iter().zip(&gates) {
        assert_eq!(stream.event().await.unwrap().as_deref(), Some(*event));
        gate.release();
    }
    assert_eq!(stream.event().await.unwrap(), None);

    let question = json!(["user", "What colour is the sky?", "complete"]);
    let answer = json!(["assistant", tokens.concat(), "complete"]);
    assert_eq!(
        door.messages_when(conversation, 2).await,
        json!([question, answer])
    );
    let sent = stack.model().request(0).await;
    assert_eq!(sent.target, "/v1/chat/completions");
    assert_eq!(
        sent.json["messages"][0]["content"],
        "What colour is the sky?"
    );

    // The next question carries what was said.
    stack.model().push(Script::answer(&["Yes"]));
    assert_eq!(
        door.ask(conversation, "Always?")
            .await
            .rest()
            .await
            .unwrap(),
        "data: Yes\n\n"
    );
    let told = stack.model().request(1).await.json["messages"].clone();
    let told: Vec<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|at| at["content"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        ["What colour is the sky?", &tokens.concat(), "Always?"]
    );
    stack.stop().await;
}

#[tokio::test]
async fn an_answer_is_whole_though_its_reader_was_killed() {
    let stack = Stack::start().await;
    let door = stack.door();
    let conversation = door.conversation_of("ada").await;
    let gate = Gate::new();
    let script = Script::new()
        .token("one ")
        .hold(&gate)
        .token("two ")
        .token("three");
    stack.model().push(script.finish("stop").done());
    let mut stream = door.ask(conversation, "count").await;
    assert_eq!(
        stream.event().await.unwrap().as_deref(),
        Some("data: one \n\n")
    );
    drop(stream);
    gate.release();
    assert_eq!(stack.model().outcome(0).await, Outcome::Played);
    let messages = door.messages_when(conversation, 2).await;
    assert_eq!(
        messages[1],
        json!(["assistant", "one two three", "complete"])
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_killed_model_ends_the_stream_with_an_error_and_the_next_one_answers() {
    let mut stack = Stack::start().await;
    let door = stack.door();
    let conversation = door.conversation_of("ada").await;
    let gate = Gate::new();
    stack.model().push(Script::new().token("half").hold(&gate));
    let mut stream = door.ask(conversation, "all of it, please").await;
    assert_eq!(
        stream.event().await.unwrap().as_deref(),
        Some("data: half\n\n")
    );
    stack.kill_model().await;
    let error = stream.event().await.unwrap().unwrap();
    let problem = error.strip_prefix("event: error\ndata: ").unwrap();
    let problem: Value = serde_json::from_str(problem).unwrap();
    assert_eq!(problem["status"], 502);
    assert_eq!(problem["instance"], "/api/v1/chat");
    assert_eq!(stream.event().await.unwrap(), None);
    let messages = door.messages_when(conversation, 2).await;
    assert_eq!(messages[1], json!(["assistant", "half", "failed"]));

    let down = door.try_ask(conversation, "again").await.unwrap();
    assert_eq!(down.status, 503);
    assert!(down.headers.contains_key("retry-after"));
    stack.restart_model().await;
    stack.model().push(Script::answer(&["whole"]));
    let stream = door.ask(conversation, "again").await;
    assert_eq!(stream.rest().await.unwrap(), "data: whole\n\n");
    let messages = door.messages(conversation).await;
    let last = messages.as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!(["assistant", "whole", "complete"]));
    stack.stop().await;
}

#[tokio::test]
async fn one_answer_at_a_time() {
    let stack = Stack::start().await;
    let door = stack.door();
    let conversation = door.conversation_of("ada").await;
    let gate = Gate::new();
    stack.model().push(
        Script::new()
            .token("slow")
            .hold(&gate)
            .finish("stop")
            .done(),
    );
    let stream = door.ask(conversation, "first").await;
    let refused = door.try_ask(conversation, "second").await.unwrap();
    assert_eq!(refused.status, 409);
    gate.release();
    assert_eq!(stream.rest().await.unwrap(), "data: slow\n\n");
    stack.model().push(Script::answer(&["now"]));
    let accepted = eventually("the conversation is free", async || {
        let stream = door.try_ask(conversation, "second").await.unwrap();
        (stream.status == 200).then_some(stream)
    });
    assert_eq!(accepted.await.rest().await.unwrap(), "data: now\n\n");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_streams_at_once_each_get_their_own_answer() {
    const STREAMS: usize = 20;
    let stack = Stack::start().await;
    let door = stack.door();
    let all_there = Gate::new();
    let gate = all_there.clone();
    stack.model().answer_with(move |asked| {
        let messages = asked.json["messages"].as_array().unwrap();
        let question = messages.last().unwrap()["content"].as_str().unwrap();
        let script = Script::new()
            .token("You said: ")
            .hold(&gate)
            .token(question);
        script.finish("stop").done()
    });
    let user = door.user("ada").await;
    let mut open = Vec::new();
    for number in 0..STREAMS {
        let conversation = door.conversation(user).await;
        let mut stream = door.ask(conversation, &format!("number {number}")).await;
        assert_eq!(
            stream.event().await.unwrap().unwrap(),
            "data: You said: \n\n"
        );
        open.push((number, conversation, stream));
    }
    all_there.release();
    for (number, conversation, stream) in open {
        assert_eq!(
            stream.rest().await.unwrap(),
            format!("data: number {number}\n\n")
        );
        let messages = door.messages_when(conversation, 2).await;
        assert_eq!(messages[1][1], format!("You said: number {number}"));
    }
    stack.stop().await;
}
