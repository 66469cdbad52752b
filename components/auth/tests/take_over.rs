//! What a thief, or a stranger who knows a name and an address, cannot do.

#![allow(clippy::unwrap_used, reason = "tests")]

use axum::body::Body;
use futures::stream;
use http::Request;
use serde_json::{Value, json};
use std::convert::Infallible;
use test_app::{Accounts, Answer, PASSWORD, Way};

const NEW: &str = "battery staple";

async fn app() -> Accounts {
    Accounts::start(auth_component::router, &[]).await
}

async fn reset(app: &Accounts) -> Answer {
    let asked = json!({ "email": "ada@example.org" });
    app.post("/api/v1/auth/password-resets", &asked).await;
    let code = app.mailbox.last().code();
    let body = json!({ "email": "ada@example.org", "token": code, "password": NEW });
    app.post("/api/v1/auth/password-resets/confirm", &body)
        .await
}

#[tokio::test]
async fn a_stranger_who_signs_up_with_ones_name_and_address_gets_no_password_in() {
    for foreign_last in [true, false] {
        let app = app().await;
        let ask = async |password: &str| {
            let wanted =
                json!({ "username": "ada", "email": "ada@example.org", "password": password });
            app.post("/api/v1/auth/verifications", &wanted).await
        };
        let passwords = if foreign_last {
            [PASSWORD, "a foreign one"]
        } else {
            ["a foreign one", PASSWORD]
        };
        for password in passwords {
            ask(password).await.done(202);
        }
        app.verify("ada", &app.mailbox.last().code())
            .await
            .done(200);
        for password in passwords {
            app.sign_in(Way::Runtime, "ada", password)
                .await
                .refused(401);
        }
        reset(&app).await.done(200);
        app.sign_in(Way::Runtime, "ada", NEW).await.done(200);
    }
}

#[tokio::test]
async fn who_signs_up_twice_with_the_same_password_keeps_it() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    app.sign_up("ada").await;
    app.sign_in(Way::Runtime, "ada", PASSWORD).await.done(200);
}

#[tokio::test]
async fn a_reset_voids_api_keys_and_changes_that_wait() {
    let app = app().await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    let key = json!({ "name": "x", "password": PASSWORD });
    let key = app
        .call_as(&token, "POST /api/v1/users/me/api-keys", &key)
        .await
        .done(201)["key"]
        .clone();
    let address = json!({ "email": "thief@example.org", "password": PASSWORD });
    app.call_as(&token, "POST /api/v1/users/me/email", &address)
        .await
        .done(202);
    let code = app.mailbox.last().code();
    let tokens = reset(&app).await.done(200);
    app.post("/api/login", &json!({ "api_key": key }))
        .await
        .refused(401);
    let token = tokens["access_token"].as_str().unwrap();
    let confirm = json!({ "token": code, "password": NEW });
    app.call_as(token, "POST /api/v1/users/me/email/confirm", &confirm)
        .await
        .refused(401);
}

#[tokio::test]
async fn a_login_that_ends_while_a_body_is_on_its_way_changes_nothing() {
    let app = app().await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    let sql = std::sync::Arc::clone(&app.platform.sql);
    let body = stream::once(async move {
        let end = "UPDATE logins SET revoked_at = 1";
        sql.execute(end, Vec::new()).await.unwrap();
        Ok::<_, Infallible>(json!({ "name": "x", "password": PASSWORD }).to_string())
    });
    let request = Request::post("/api/v1/users/me/api-keys")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from_stream(body))
        .unwrap();
    Answer::read(app.send(request).await).await.refused(401);
    let keys = app.sql("SELECT 1 FROM api_keys", Vec::new()).await;
    assert!(keys.is_empty());
}

#[tokio::test]
async fn a_token_alone_gives_no_key_and_no_address_away() {
    let app = app().await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    for (line, mut body) in [
        ("POST /api/v1/users/me/api-keys", json!({ "name": "x" })),
        ("POST /api/v1/users/me/email", json!({ "email": "b@c.de" })),
        (
            "POST /api/v1/users/me/email/confirm",
            json!({ "token": "123456" }),
        ),
    ] {
        app.call_as(&token, line, &body).await.refused(422);
        body["password"] = Value::from("not the password");
        app.call_as(&token, line, &body)
            .await
            .problem(403, "The password is wrong");
    }
}
