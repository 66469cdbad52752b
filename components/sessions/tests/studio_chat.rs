//! Messages to the agent of a studio session, by request and over the socket: what is refused. (What
//! becomes of those that are not, the component `studio` tests.)

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::start;
use serde_json::{Value, json};
use test_app::{Accounts, Way};

const RUNNER: &str = "a-token-for-tests";
const SAID: &str = "POST /internal/sockets/studio";

struct Chat {
    app: Accounts,
    ada: String,
    eve: String,
    session: i64,
}

async fn chat() -> Chat {
    let (app, _, _) = start(&[]).await;
    let ada = app.token(Way::Studio, "ada").await;
    let eve = app.token(Way::Studio, "eve").await;
    let made = app.call_as(&ada, "POST /api/v1/sessions", &Value::Null);
    let session = made.await.done(200)["data"]["id"].as_i64().unwrap();
    Chat {
        app,
        ada,
        eve,
        session,
    }
}

impl Chat {
    /// What comes back on the socket of user 1.
    async fn said(&self, payload: &Value) -> Vec<Value> {
        let body = json!({ "user": 1, "login": 1, "payload": payload });
        let answer = self.app.call_as(RUNNER, SAID, &body).await;
        answer.done(200)["frames"].as_array().unwrap().clone()
    }

    async fn is_empty(&self) -> bool {
        let rows = self.app.sql("SELECT 1 FROM messages", Vec::new()).await;
        let runs = self.app.sql("SELECT 1 FROM runs", Vec::new()).await;
        rows.is_empty() && runs.is_empty()
    }
}

#[tokio::test]
async fn messages_that_are_none_and_sessions_of_others() {
    let chat = chat().await;
    let line = format!("POST /api/v1/sessions/{}/messages", chat.session);
    let hello = json!({ "content": "Hello" });
    for content in [
        json!(""),
        json!(" \n"),
        json!("a\u{0}b"),
        json!("x".repeat(32_001)),
    ] {
        let body = json!({ "content": content });
        let answer = chat.app.call_as(&chat.ada, &line, &body).await;
        assert_eq!(answer.refused(400)["code"], 400);
        assert_eq!(answer.fields(), ["content"]);
    }
    let wrong = json!({ "content": 1 });
    let answer = chat.app.call_as(&chat.ada, &line, &wrong).await;
    answer.refused(400);
    chat.app
        .call_as(&chat.eve, &line, &hello)
        .await
        .refused(404);
    let nowhere = "POST /api/v1/sessions/999/messages";
    chat.app
        .call_as(&chat.ada, nowhere, &hello)
        .await
        .refused(404);
    chat.app.call(&line, &hello).await.refused(401);
    // Sessions of other kinds are not talked to here.
    let workspace = chat.app.token(Way::Workspace, "ada").await;
    let other = chat.app.session(&workspace).await;
    let other = format!("POST /api/v1/sessions/{other}/messages");
    chat.app
        .call_as(&chat.ada, &other, &hello)
        .await
        .refused(404);
    assert!(chat.is_empty().await);
}

#[tokio::test]
async fn without_an_agent_nothing_is_kept() {
    let chat = chat().await;
    // No model is configured.
    let line = format!("POST /api/v1/sessions/{}/messages", chat.session);
    let hello = json!({ "content": "Hello" });
    let answer = chat.app.call_as(&chat.ada, &line, &hello).await;
    answer.refused(503);
    let frames = chat
        .said(&json!({ "type": "SEND_MESSAGE", "sessionId": chat.session, "content": "Hello" }))
        .await;
    assert_eq!(frames[0]["code"], 503, "{frames:?}");
    assert_eq!(frames[0]["sessionId"], chat.session);
    assert!(chat.is_empty().await);
}

#[tokio::test]
async fn what_clients_of_sockets_get_wrong() {
    let chat = chat().await;
    for (payload, code) in [
        (json!([]), 400),
        (json!("SEND_MESSAGE"), 400),
        (json!({ "sessionId": 1 }), 400),
        (json!({ "type": "DELETE_ALL" }), 400),
        (json!({ "type": "SEND_MESSAGE", "content": "x" }), 400),
        (
            json!({ "type": "SEND_MESSAGE", "sessionId": "1", "content": "x" }),
            400,
        ),
        (
            json!({ "type": "SEND_MESSAGE", "sessionId": chat.session }),
            400,
        ),
        (
            json!({ "type": "SEND_MESSAGE", "sessionId": chat.session, "content": " " }),
            400,
        ),
        (
            json!({ "type": "SEND_MESSAGE", "sessionId": 999, "content": "x" }),
            404,
        ),
    ] {
        let frames = chat.said(&payload).await;
        assert_eq!(frames.len(), 1, "{payload}");
        assert_eq!(frames[0]["type"], "ERROR", "{payload}");
        assert_eq!(frames[0]["code"], code, "{payload} {frames:?}");
        assert!(frames[0]["message"].is_string(), "{payload}");
    }
    // Eve's socket says something about Ada's session.
    let body = json!({ "user": 2, "login": 2, "payload":
        { "type": "SEND_MESSAGE", "sessionId": chat.session, "content": "x" } });
    let answer = chat.app.call_as(RUNNER, SAID, &body).await.done(200);
    assert_eq!(answer["frames"][0]["code"], 404, "{answer}");
    // And somebody who is not the runner.
    let stranger = chat.app.call_as(&chat.ada, SAID, &body).await;
    assert_ne!(stranger.status, 200);
    assert!(chat.is_empty().await);
}

#[tokio::test]
async fn the_room_of_a_users_socket_is_the_users_own() {
    let chat = chat().await;
    let rows = chat
        .app
        .sql("SELECT uuid FROM users ORDER BY id", Vec::new())
        .await;
    for (at, token) in [&chat.ada, &chat.eve].into_iter().enumerate() {
        let body = json!({ "session": "", "path": "/ws/chat", "token": token });
        let answer = chat
            .app
            .call_as(RUNNER, "POST /internal/rooms/enter", &body);
        let uuid: String = rows[at].get(0).unwrap();
        assert_eq!(answer.await.done(200)["session"], uuid.as_str());
    }
    let body = json!({ "session": "", "path": "/ws/chat" });
    let nobody = chat
        .app
        .call_as(RUNNER, "POST /internal/rooms/enter", &body);
    assert_eq!(nobody.await.refused(401)["code"], 401);
    let foreign = json!({ "session": "", "path": "/ws/chat", "token": chat.ada,
        "origin": "https://evil.example", "host": "127.0.0.1:3000" });
    let own = [
        ("public_url", "https://atelier.example"),
        ("cors_origins", ""),
    ];
    let (app, _, _) = start(&own).await;
    let refused = app
        .call_as(RUNNER, "POST /internal/rooms/enter", &foreign)
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}
