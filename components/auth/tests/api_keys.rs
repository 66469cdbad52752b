//! API keys: what programs sign in with.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, Answer, Way};

const KEYS: &str = "/api/v1/users/me/api-keys";

async fn start() -> (Accounts, String) {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    (app, token)
}

async fn make(app: &Accounts, token: &str, name: &str) -> Answer {
    let body = json!({ "name": name, "password": test_app::PASSWORD });
    app.call_as(token, &format!("POST {KEYS}"), &body).await
}

async fn list(app: &Accounts, token: &str) -> Value {
    let line = format!("GET {KEYS}");
    app.call_as(token, &line, &Value::Null).await.done(200)
}

async fn sign_in(app: &Accounts, key: &str) -> Answer {
    app.post("/api/login", &json!({ "api_key": key })).await
}

async fn delete(app: &Accounts, token: &str, id: &str) -> Answer {
    let line = format!("DELETE {KEYS}/{id}");
    app.call_as(token, &line, &Value::Null).await
}

#[tokio::test]
async fn a_key_is_shown_once_used_and_deleted() {
    let (app, token) = start().await;
    let made = make(&app, &token, "laptop").await;
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.done(201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("atl_") && key.len() == 4 + 43, "{key}");
    assert_eq!(made["prefix"], key[..8]);
    assert_eq!(
        (&made["name"], &made["last_used_at"]),
        (&json!("laptop"), &Value::Null)
    );
    let mut known = made.clone();
    known.as_object_mut().unwrap().remove("key");
    assert_eq!(list(&app, &token).await, json!([known]));
    let rows = app.sql("SELECT hash FROM api_keys", vec![]).await;
    assert!(!rows[0].get::<String>(0).unwrap().contains(&key[8..]));

    app.wait(60);
    let answer = sign_in(&app, key).await;
    assert!(answer.header("set-cookie").contains("HttpOnly"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.done(200);
    assert_eq!(json["expires_in"], 86_400);
    let opened = Way::CodexByName.token_of(&json);
    let me = app
        .call_as(&opened, "GET /api/v1/auth/me", &Value::Null)
        .await;
    assert_eq!(me.done(200)["username"], "ada");
    assert_eq!(
        list(&app, &token).await[0]["last_used_at"],
        "2027-01-15T08:01:00.000Z"
    );

    let id = made["id"].as_str().unwrap();
    delete(&app, &token, id).await.done(204);
    sign_in(&app, key)
        .await
        .problem(401, "The API key is wrong");
    delete(&app, &token, id)
        .await
        .problem(404, "API key not found");
    assert_eq!(list(&app, &token).await, json!([]));
}

#[tokio::test]
async fn wrong_keys_are_refused_and_counted() {
    let (app, token) = start().await;
    let key = make(&app, &token, "x").await.done(201)["key"].clone();
    let key = key.as_str().unwrap();
    for wrong in [
        "atl_",
        "x",
        &key[4..],
        &key[..46],
        &key.to_uppercase(),
        &token,
    ] {
        sign_in(&app, wrong)
            .await
            .problem(401, "The API key is wrong");
    }
    // A key is no access token and no password.
    assert!(!app.is_good(key).await);
    app.sign_in(Way::Studio, "ada", key).await.refused(401);
    for _ in 0..43 {
        sign_in(&app, "x").await.refused(401);
    }
    let many = sign_in(&app, key).await;
    many.refused(429);
    assert_eq!(many.header("retry-after"), "900");
    app.wait(900);
    sign_in(&app, key).await.done(200);
}

#[tokio::test]
async fn somebody_elses_key_is_not_found() {
    let (app, token) = start().await;
    let eve = Way::Runtime.token_of(&app.sign_up("eve").await);
    let made = make(&app, &token, "x").await.done(201);
    let id = made["id"].as_str().unwrap();
    for id in [id, "00000000-0000-7000-8000-000000000000", "1", "x"] {
        delete(&app, &eve, id)
            .await
            .problem(404, "API key not found");
    }
    assert_eq!(list(&app, &eve).await, json!([]));
    sign_in(&app, made["key"].as_str().unwrap()).await.done(200);
}

#[tokio::test]
async fn an_account_has_fifty_at_most() {
    let (app, token) = start().await;
    let eve = Way::Runtime.token_of(&app.sign_up("eve").await);
    for n in 0..45 {
        make(&app, &token, &n.to_string()).await.done(201);
    }
    let more = (0..10).map(|_| make(&app, &token, "more"));
    let answers = futures::future::join_all(more).await;
    let made = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(made.count(), 5);
    let full = make(&app, &token, "more").await;
    full.problem(409, "An account has at most 50 keys. Delete one first");
    let line = format!("GET {KEYS}?limit=3&offset=48");
    let part = app.call_as(&token, &line, &Value::Null).await;
    assert_eq!(part.done(200).as_array().unwrap().len(), 2);
    assert_eq!(part.header("x-total-count"), "50");
    make(&app, &eve, "hers").await.done(201);
    let id = list(&app, &token).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    delete(&app, &token, &id).await.done(204);
    make(&app, &token, "again").await.done(201);
}

#[tokio::test]
async fn names() {
    let (app, token) = start().await;
    make(&app, &token, &"名".repeat(64)).await.done(201);
    for name in ["", " ", "a\nb", &"x".repeat(65)] {
        let answer = make(&app, &token, name).await;
        answer.refused(422);
        assert_eq!(answer.fields(), ["name"], "{name:?}");
    }
}
