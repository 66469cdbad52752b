//! Conversations: section 3 of the `chat` contract.

#![allow(clippy::indexing_slicing, reason = "tests")]

use http::Method;
use serde_json::{Value, json};
use test_app::TestApp;

/// An app with the open user 1.
async fn app() -> TestApp {
    let app = TestApp::start(sessions::router, &[]).await;
    user(&app, 1, "open").await;
    app
}

async fn user(app: &TestApp, id: i64, realm: &str) {
    app.sql(
        "INSERT INTO users (id, uuid, realm, username, created_at) VALUES (?1, ?1, ?2, ?1, 0)",
        vec![id.to_string().into(), realm.into()],
    )
    .await;
}

async fn message(app: &TestApp, id: i64, content: &str, status: &str, lease: Option<i64>) {
    app.sql(
        "INSERT INTO messages (id, uuid, session_id, role, content, status, lease_until, \
         created_at) VALUES (?1, printf('00000000-0000-7000-8000-%012d', ?1), 1, 'assistant', \
         ?2, ?3, ?4, 0)",
        vec![
            id.to_string().into(),
            content.into(),
            status.into(),
            lease.into(),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_conversation_is_made_and_found_again() {
    let app = app().await;
    let made = app
        .post(
            "/api/v1/conversations/",
            &json!({"user_id": 1, "name": "sky"}),
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    assert_eq!(
        (&made["user_id"], &made["name"]),
        (&json!(1), &json!("sky"))
    );
    let mut expected = made.clone();
    expected["messages"] = json!([]);
    let path = format!("/api/v1/conversations/{}", made["id"]);
    assert_eq!(app.get(&path).await.json(), expected);
    let unnamed = app
        .post("/api/v1/conversations", &json!({"user_id": 1}))
        .await
        .json();
    assert_eq!(unnamed["name"], Value::Null);
}

#[tokio::test]
async fn only_open_users_have_conversations() {
    let app = app().await;
    user(&app, 2, "account").await;
    for id in [2, 3, -1] {
        let made = app
            .post("/api/v1/conversations/", &json!({"user_id": id}))
            .await;
        made.problem(404, "User not found");
        app.get(&format!("/api/v1/users/{id}/conversations"))
            .await
            .problem(404, "User not found");
    }
}

#[tokio::test]
async fn a_users_conversations_come_newest_first_and_in_parts() {
    let app = app().await;
    for number in 1..=12 {
        let body = json!({"user_id": 1, "name": number.to_string()});
        app.post("/api/v1/conversations/", &body).await;
    }
    let check = async |query: &str, ids: &[i64]| {
        let answer = app
            .get(&format!("/api/v1/users/1/conversations{query}"))
            .await;
        let listed: Vec<i64> = answer
            .json()
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|conversation| conversation["id"].as_i64())
            .collect();
        assert_eq!(listed, ids, "{query}");
        assert_eq!(answer.header("x-total-count"), "12", "{query}");
    };
    check("", &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3]).await;
    check("/", &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3]).await;
    check("?skip=10", &[2, 1]).await;
    check("?skip=1&limit=2", &[11, 10]).await;
    check("?skip=99", &[]).await;
    for query in ["?limit=0", "?limit=101", "?limit=x", "?skip=-1"] {
        let answer = app
            .get(&format!("/api/v1/users/1/conversations{query}"))
            .await;
        assert_eq!(answer.status, 422, "{query}");
        assert!(
            answer.json()["errors"][0]["field"].as_str().is_some(),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_unknown_conversation_is_not_found_in_the_documents_words() {
    let app = app().await;
    app.get("/api/v1/conversations/7")
        .await
        .problem(404, "Conversation not found");
    assert_eq!(app.get("/api/v1/conversations/x").await.status, 422);
    app.sql(
        "INSERT INTO sessions (id, uuid, kind, user_id, created_at) VALUES (7, 'x', 'codex', 1, 0)",
        Vec::new(),
    )
    .await;
    app.get("/api/v1/conversations/7")
        .await
        .problem(404, "Conversation not found");
}

#[tokio::test]
async fn an_answer_is_hidden_while_it_is_written_and_interrupted_when_its_writer_is_gone() {
    let app = app().await;
    app.post("/api/v1/conversations/", &json!({"user_id": 1}))
        .await;
    message(&app, 1, "whole", "complete", None).await;
    message(&app, 2, "half", "failed", None).await;
    message(&app, 3, "lost", "answering", Some(1)).await;
    message(&app, 4, "coming", "answering", Some(i64::MAX)).await;
    let answer = app.get("/api/v1/conversations/1").await;
    let listed: Vec<(Value, Value)> = answer.json()["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|message| (message["content"].clone(), message["status"].clone()))
        .collect();
    let expected = [
        ("whole", "complete"),
        ("half", "failed"),
        ("lost", "interrupted"),
    ];
    assert_eq!(
        listed,
        expected.map(|(content, status)| (json!(content), json!(status)))
    );
    assert_eq!(answer.header("x-total-count"), "3");
}

#[tokio::test]
async fn long_histories_come_in_parts_the_newest_first_of_all() {
    let app = app().await;
    app.post("/api/v1/conversations/", &json!({"user_id": 1}))
        .await;
    for id in 1..=205 {
        message(&app, id, "x", "complete", None).await;
    }
    let check = async |query: &str, first: i64, last: i64| {
        let answer = app
            .get(&format!("/api/v1/conversations/1{query}"))
            .await
            .json();
        let messages = answer["messages"].as_array().cloned().unwrap_or_default();
        let ids = (
            messages[0]["id"].clone(),
            messages[messages.len() - 1]["id"].clone(),
        );
        assert_eq!(ids, (json!(first), json!(last)), "{query}");
    };
    check("", 6, 205).await;
    check("?limit=2", 204, 205).await;
    check("?skip=0&limit=2", 1, 2).await;
    check("?skip=200", 201, 205).await;
}

#[tokio::test]
async fn what_one_list_carries_is_bounded() {
    let app = app().await;
    app.post("/api/v1/conversations/", &json!({"user_id": 1}))
        .await;
    let long = "é".repeat(1024 * 1024);
    for id in 1..=6 {
        message(&app, id, &long, "complete", None).await;
    }
    let answer = app.get("/api/v1/conversations/1").await;
    assert_eq!(answer.json()["messages"].as_array().map(Vec::len), Some(4));
    assert_eq!(answer.header("x-total-count"), "6");
}

#[tokio::test]
async fn other_methods_are_problems() {
    let app = app().await;
    let answer = app
        .request(Method::GET, "/api/v1/conversations", &[], "")
        .await;
    answer.problem(405, "Method Not Allowed");
    assert_eq!(answer.header("allow"), "POST");
    let answer = app
        .request(Method::PUT, "/api/v1/conversations/1", &[], "")
        .await;
    answer.problem(405, "Method Not Allowed");
}
