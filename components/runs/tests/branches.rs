//! Messages that are answered again or edited, and the branches that come of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod stage;

use model_stub::scripted::Script;
use serde_json::{Value, json};
use stage::{Stage, ag_ui};
use std::sync::atomic::Ordering;
use test_app::Answer;

static NOTHING: Value = Value::Null;

impl Stage {
    /// Ada says something, and the model answers so.
    async fn exchange(&self, text: &str, answer: &str) -> Value {
        self.model.push(Script::answer(&[answer]));
        let turn = self.say(text).await.done(200);
        self.checked_events();
        turn
    }

    /// A request about a message of Ada's session.
    async fn about(&self, message: &Value, what: &str, body: &Value) -> Answer {
        let line = self.line(message, what);
        self.call(&self.ada, &line, body).await
    }

    fn line(&self, message: &Value, what: &str) -> String {
        let method = match what {
            "siblings" => "GET",
            _ => "POST",
        };
        let id = message["message_id"].as_str().unwrap();
        let session = &self.session;
        format!("{method} /api/v1/sessions/{session}/messages/{id}/{what}")
    }

    async fn texts(&self) -> Vec<String> {
        let messages = self.messages().await;
        let texts = messages.as_array().unwrap().iter();
        texts
            .map(|one| one["content"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the model was told in its newest question, without the instructions.
    fn told(&self) -> Vec<String> {
        let requests = self.model.requests();
        let messages = requests.last().unwrap().json["messages"].clone();
        let messages = messages.as_array().unwrap().iter().skip(1);
        messages
            .map(|one| one["content"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn an_answer_is_generated_again_beside_the_first() {
    let stage = Stage::start().await;
    stage.exchange("one", "1").await;
    let turn = stage.exchange("two", "2").await;
    stage.exchange("three", "3").await;
    let first = &turn["responses"][0];
    stage.model.push(Script::answer(&["2 again"]));
    let again = stage.about(first, "regenerate", &NOTHING).await.done(200);
    assert_eq!(again["user"]["message_id"], turn["user"]["message_id"]);
    assert_eq!(stage.told(), ["one", "1", "two"]);
    assert_eq!(stage.texts().await, ["one", "1", "two", "2 again"]);
    stage.checked_events();
    let second = &again["responses"][0];
    assert_eq!(
        (
            &second["siblings"],
            &second["sibling"],
            &second["parent_id"]
        ),
        (&json!(2), &json!(2), &turn["user"]["message_id"])
    );
    let siblings = stage.about(second, "siblings", &NOTHING).await;
    assert_eq!(siblings.header("x-total-count"), "2");
    let listed = siblings.done(200);
    let texts: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["content"])
        .collect();
    assert_eq!(texts, ["2", "2 again"]);

    stage.exchange("four", "4").await;
    assert_eq!(stage.told(), ["one", "1", "two", "2 again", "four"]);
    // The user's own message can be answered again as well.
    stage.model.push(Script::answer(&["2 at last"]));
    let third = stage
        .about(&turn["user"], "regenerate", &NOTHING)
        .await
        .done(200);
    assert_eq!(third["responses"][0]["siblings"], 3);
    let selected = stage.about(first, "select", &NOTHING).await.done(200);
    assert_eq!(selected["content"], "2");
    assert_eq!(stage.texts().await, ["one", "1", "two", "2", "three", "3"]);
    stage.about(second, "select", &NOTHING).await.done(200);
    assert_eq!(
        stage.texts().await,
        ["one", "1", "two", "2 again", "four", "4"]
    );
}

#[tokio::test]
async fn a_message_is_edited_and_what_followed_it_stays_beside() {
    let stage = Stage::start().await;
    let turn = stage.exchange("@Emma one", "1").await;
    stage.exchange("two", "2").await;
    stage.model.push(Script::answer(&["I"]));
    let edit = json!({ "content": "@Alex uno" });
    let edited = stage.about(&turn["user"], "edit", &edit).await.done(200);
    assert_eq!(edited["responses"][0]["agent"], "Alex");
    assert_eq!(edited["user"]["siblings"], 2);
    assert_eq!(stage.told(), ["@Alex uno"]);
    assert_eq!(stage.texts().await, ["@Alex uno", "I"]);
    // What is not shown is neither exported nor found.
    let session = &stage.session;
    let export = format!("GET /api/v1/sessions/{session}/export");
    let exported = stage.call(&stage.ada, &export, &NOTHING).await;
    assert!(exported.text.contains("uno") && !exported.text.contains("two"));
    let search = "GET /api/v1/messages/search?q=two";
    let found = stage.call(&stage.ada, search, &NOTHING).await.done(200);
    assert_eq!(found, json!([]));
    stage
        .about(&turn["user"], "select", &NOTHING)
        .await
        .done(200);
    assert_eq!(stage.texts().await, ["@Emma one", "1", "two", "2"]);
    let found = stage.call(&stage.ada, search, &NOTHING).await.done(200);
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_branches_while_a_turn_runs() {
    let stage = Stage::start().await;
    let turn = stage.exchange("one", "1").await;
    stage.store("two").await;
    let edit = json!({ "content": "uno" });
    for (message, what, body) in [
        (&turn["responses"][0], "regenerate", &NOTHING),
        (&turn["user"], "edit", &edit),
        (&turn["user"], "select", &NOTHING),
    ] {
        let refused = stage.about(message, what, body).await;
        refused.problem(
            409,
            "The session is busy: its last message is still being answered",
        );
    }
    assert_eq!(stage.texts().await, ["one", "1", "two"]);
}

#[tokio::test]
async fn without_a_runner_the_branch_is_as_it_was() {
    let stage = Stage::start().await;
    let turn = stage.exchange("one", "1").await;
    stage.exchange("two", "2").await;
    stage.runner.away.store(true, Ordering::SeqCst);
    let edit = json!({ "content": "uno" });
    stage.about(&turn["user"], "edit", &edit).await.refused(503);
    let again = stage.about(&turn["user"], "regenerate", &NOTHING).await;
    again.refused(503);
    assert_eq!(stage.texts().await, ["one", "1", "two", "2"]);
    let messages = stage.messages().await;
    assert_eq!(messages[0]["siblings"], 1);
}

#[tokio::test]
async fn only_ones_own_messages_branch() {
    let stage = Stage::start().await;
    let turn = stage.exchange("one", "1").await;
    let edit = json!({ "content": "uno" });
    let made = stage
        .accounts
        .call_as(&stage.eve, "POST /api/v1/sessions", &NOTHING);
    let evil = made.await.done(201)["id"].as_str().unwrap().to_owned();
    for (what, body) in [
        ("regenerate", &NOTHING),
        ("edit", &edit),
        ("select", &NOTHING),
        ("siblings", &NOTHING),
    ] {
        let line = stage.line(&turn["user"], what);
        let foreign = stage.call(&stage.eve, &line, body).await;
        foreign.problem(404, "Session not found");
        stage.call("nonsense", &line, body).await.refused(401);
        // A message of another session is none of this one.
        let line = line.replace(&stage.session, &evil);
        let smuggled = stage.call(&stage.eve, &line, body).await;
        smuggled.problem(404, "Message not found");
        for id in ["nonsense", "00000000-0000-7000-8000-000000000000"] {
            let unknown = json!({ "message_id": id });
            let answer = stage.about(&unknown, what, body).await;
            answer.problem(404, "Message not found");
        }
    }
    let answer = &turn["responses"][0];
    stage.about(answer, "edit", &edit).await.refused(422);
    for content in [json!(""), json!("x".repeat(32_001)), Value::Null] {
        let body = json!({ "content": content });
        let refused = stage.about(&turn["user"], "edit", &body).await;
        refused.refused(422);
        assert_eq!(refused.fields(), ["content"]);
    }
    assert_eq!(stage.texts().await, ["one", "1"]);
}

#[tokio::test]
async fn chats_of_runtime_branch_too() {
    let stage = Stage::start().await;
    stage.model.push(Script::answer(&["1"]));
    let body = json!({ "message": "one" });
    let line = "POST /api/v1/agent-chats";
    let chat = stage.call(&stage.ada, line, &body).await.done(200);
    let message = json!({ "message_id": chat["events"][1]["message_id"] });
    let session = chat["session_id"].as_str().unwrap();
    let again = stage
        .line(&message, "regenerate")
        .replace(&stage.session, session);
    stage.model.push(Script::answer(&["1 again"]));
    let told = stage.call(&stage.ada, &again, &NOTHING).await.done(200);
    assert_eq!(told["output"], "1 again");
    ag_ui::check_chat(&told);
    assert_eq!(stage.told(), ["one"]);
    let siblings = stage
        .line(&message, "siblings")
        .replace(&stage.session, session);
    let siblings = stage.call(&stage.ada, &siblings, &NOTHING).await.done(200);
    assert_eq!(siblings.as_array().unwrap().len(), 2);
    stage.model.push(Script::answer(&["streamed"]));
    let streamed = stage.open(&stage.ada, &again, "text/event-stream", &NOTHING);
    let streamed = Answer::read(streamed.await).await;
    assert!(
        streamed.text.contains("\"delta\":\"streamed\""),
        "{}",
        streamed.text
    );
    let long = json!({ "content": "x".repeat(8_001) });
    let question = siblings[0]["parent_id"].clone();
    let edit = stage.line(&json!({ "message_id": question }), "edit");
    let edit = edit.replace(&stage.session, session);
    stage.call(&stage.ada, &edit, &long).await.refused(422);
}
