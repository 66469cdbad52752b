//! `GET /users/{username}`: accounts with a token, open users without one, never each other.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod both;

use serde_json::{Value, json};
use test_app::{Accounts, Way};

/// An account `ada`, an open user `open`, and both of the name `twin`.
async fn app(own: &[(&str, &str)]) -> Accounts {
    let app = both::start(own).await;
    app.sign_up("ada").await;
    app.sign_up("twin").await;
    for name in ["open", "twin"] {
        app.post("/api/v1/users/", &json!({ "username": name }))
            .await
            .done(200);
    }
    app
}

#[tokio::test]
async fn with_a_token_accounts_alone() {
    let app = app(&[]).await;
    for way in Way::ALL {
        let token = app.token(way, "ada").await;
        let show = async |name: &str| {
            let line = format!("GET /api/v1/users/{name}");
            app.call_as(&token, &line, &Value::Null).await
        };
        for name in ["twin", "TWIN", "twin/"] {
            let profile = show(name).await.done(200);
            let id = &profile["id"];
            assert_eq!(id.as_str().map(str::len), Some(36), "{way:?} {profile}");
            let expected = json!({ "id": id, "username": "twin", "avatar_url": null, "bio": null });
            assert_eq!(profile, expected);
        }
        for name in ["open", "nobody"] {
            show(name).await.problem(404, "User not found");
        }
    }
}

#[tokio::test]
async fn without_a_token_open_users_alone() {
    let app = app(&[]).await;
    for name in ["ada", "ADA", "nobody", "Twin"] {
        let answer = app.get(&format!("/api/v1/users/{name}")).await;
        answer.problem(404, "User not found");
    }
    for name in ["open", "twin"] {
        let user = app.get(&format!("/api/v1/users/{name}")).await.done(200);
        assert_eq!(
            (&user["username"], &user["email"]),
            (&json!(name), &Value::Null)
        );
        assert!(user["id"].is_i64());
    }
    // An account's name is free for open users.
    app.post("/api/v1/users/", &json!({ "username": "ada" }))
        .await
        .done(200);
}

#[tokio::test]
async fn a_token_that_is_not_good_shows_nobody() {
    let app = app(&[]).await;
    let token = app.token(Way::CodexByName, "ada").await;
    let cookie = format!("access_token={token}");
    let by_cookie = [("cookie", cookie.as_str())];
    let line = "GET /api/v1/users/twin";
    let shown = app
        .call_with(&by_cookie, line, &Value::Null)
        .await
        .done(200);
    assert!(shown["id"].is_string());
    app.call_as(&token, "POST /api/logout", &Value::Null)
        .await
        .done(204);
    for name in ["ada", "twin", "open", "nobody"] {
        let line = format!("GET /api/v1/users/{name}");
        app.call_as(&token, &line, &Value::Null).await.refused(401);
        app.call_as("nonsense", &line, &Value::Null)
            .await
            .refused(401);
        app.call_with(&by_cookie, &line, &Value::Null)
            .await
            .refused(401);
    }
}

#[tokio::test]
async fn where_the_open_chat_is_off_strangers_see_nobody() {
    let app = both::start(&[("open_chat", "false")]).await;
    app.sign_up("ada").await;
    for name in ["ada", "nobody"] {
        let answer = app.get(&format!("/api/v1/users/{name}")).await;
        answer.problem(401, "Not authenticated");
    }
    let body = json!({ "username": "open" });
    app.post("/api/v1/users/", &body)
        .await
        .problem(401, "Not authenticated");
    let token = app.token(Way::Runtime, "ada").await;
    let line = "GET /api/v1/users/ada";
    app.call_as(&token, line, &Value::Null).await.done(200);
}
