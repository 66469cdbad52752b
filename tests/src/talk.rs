//! The `chat` contract, as its clients speak it.

use crate::{Answer, Client, Stream, eventually};
use http::Request;
use serde_json::{Value, json};
use std::io;

impl Client {
    /// Makes a user of that name; returns its number.
    pub async fn user(self, name: &str) -> i64 {
        let answer = self
            .post("/api/v1/users/", &json!({ "username": name }))
            .await;
        number_of(&answer)
    }

    /// Makes a conversation; returns its number.
    pub async fn conversation(self, user: i64) -> i64 {
        let asked = json!({ "user_id": user });
        number_of(&self.post("/api/v1/conversations/", &asked).await)
    }

    /// Makes a user of that name and a conversation of it; returns the conversation's number.
    pub async fn conversation_of(self, name: &str) -> i64 {
        self.conversation(self.user(name).await).await
    }

    /// Sends a message, whatever comes of it.
    ///
    /// # Errors
    /// When the server is down or breaks off.
    pub async fn try_ask(self, conversation: i64, message: &str) -> io::Result<Stream> {
        let body = json!({ "conversation_id": conversation, "message": message });
        let request = Request::post("/api/v1/chat").header("content-type", "application/json");
        self.open(request, body.to_string()).await
    }

    /// Sends a message that is answered.
    pub async fn ask(self, conversation: i64, message: &str) -> Stream {
        let stream = self.try_ask(conversation, message).await.unwrap();
        assert_eq!(stream.status, 200, "{message}");
        stream
    }

    /// The messages of a conversation as `[role, content, status]`.
    pub async fn messages(self, conversation: i64) -> Value {
        let path = format!("/api/v1/conversations/{conversation}");
        let answer = self.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let messages = body["messages"].as_array().unwrap().iter();
        messages
            .map(|at| json!([at["role"], at["content"], at["status"]]))
            .collect()
    }

    /// The same, when there are so many.
    pub async fn messages_when(self, conversation: i64, count: usize) -> Value {
        eventually(&format!("{count} messages in {conversation}"), async || {
            let messages = self.messages(conversation).await;
            (messages.as_array().unwrap().len() == count).then_some(messages)
        })
        .await
    }
}

fn number_of(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_i64().unwrap()
}
