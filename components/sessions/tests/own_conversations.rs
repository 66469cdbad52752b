//! Conversations of whoever is signed in, where the open chat is off.

#![allow(clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use axum::Router;
use ports::Platform;
use serde_json::{Value, json};
use test_app::{Accounts, Way};

fn router(platform: Platform) -> Router {
    sessions::router(platform.clone()).fallback_service(auth_component::router(platform))
}

const CONVERSATIONS: &str = "POST /api/v1/conversations/";

/// Signs `name` up and in; the number and the token.
async fn somebody(app: &Accounts, name: &str) -> (i64, String) {
    app.sign_up(name).await;
    let token = app.token(Way::Workspace, name).await;
    let select = "SELECT id FROM users WHERE username = ?1";
    let rows = app.sql(select, vec![name.into()]).await;
    (rows[0].get(0).expect("a number"), token)
}

#[tokio::test]
async fn they_are_seen_by_their_owner_alone() {
    let app = Accounts::start(router, &[("open_chat", "false")]).await;
    let (ada, adas) = somebody(&app, "ada").await;
    let (bob, bobs) = somebody(&app, "bob").await;
    let body = json!({ "user_id": ada, "name": "mine" });
    app.call(CONVERSATIONS, &body)
        .await
        .problem(401, "Not authenticated");
    let made = app.call_as(&adas, CONVERSATIONS, &body).await.done(200);
    assert_eq!(made["user_id"], json!(ada));
    let for_another = app.call_as(&bobs, CONVERSATIONS, &body).await;
    for_another.problem(404, "User not found");
    let one = format!("GET /api/v1/conversations/{}", made["id"]);
    let list = format!("GET /api/v1/users/{ada}/conversations");
    let seen = app.call_as(&adas, &one, &Value::Null).await.done(200);
    assert_eq!(seen["name"], "mine");
    let listed = app.call_as(&adas, &list, &Value::Null).await.done(200);
    assert_eq!(listed[0]["id"], made["id"]);
    for (line, detail) in [(&one, "Conversation not found"), (&list, "User not found")] {
        let answer = app.call_as(&bobs, line, &Value::Null).await;
        answer.problem(404, detail);
        let answer = app.call(line, &Value::Null).await;
        answer.problem(401, "Not authenticated");
    }
    let own = format!("GET /api/v1/users/{bob}/conversations");
    let listed = app.call_as(&bobs, &own, &Value::Null).await.done(200);
    assert_eq!(listed, json!([]));
}

#[tokio::test]
async fn the_open_chat_does_not_see_them() {
    let app = Accounts::start(router, &[]).await;
    let (ada, _) = somebody(&app, "ada").await;
    app.sql(
        "INSERT INTO sessions (uuid, kind, user_id, created_at) VALUES ('s', 'open', ?1, 0)",
        vec![ada.into()],
    )
    .await;
    let list = format!("GET /api/v1/users/{ada}/conversations");
    for (line, detail) in [
        ("GET /api/v1/conversations/1", "Conversation not found"),
        (&list, "User not found"),
    ] {
        app.call(line, &Value::Null).await.problem(404, detail);
    }
    let body = json!({ "user_id": ada });
    let made = app.call(CONVERSATIONS, &body).await;
    made.problem(404, "User not found");
}
