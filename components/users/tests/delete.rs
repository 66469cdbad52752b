//! Leaving: an account goes with all that is its.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod both;

use serde_json::{Value, json};
use test_app::{Accounts, Answer, PASSWORD, Way};

async fn delete(app: &Accounts, token: &str, password: &str) -> Answer {
    let body = json!({ "password": password });
    app.call_as(token, "DELETE /api/v1/users/me", &body).await
}

/// How many rows of other tables hang on accounts.
async fn rows(app: &Accounts) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "users",
        "logins",
        "api_keys",
        "verifications",
        "sessions",
        "messages",
    ] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        counts.push(app.sql(&count, vec![]).await[0].get(0).unwrap());
    }
    counts
}

#[tokio::test]
async fn all_of_it_goes_and_nothing_of_others() {
    let app = both::start(&[]).await;
    app.sign_up("bob").await;
    app.post("/api/v1/users/", &json!({ "username": "ada" }))
        .await
        .done(200);
    let before = rows(&app).await;

    let refresh = app.sign_up("ada").await["refresh_token"].clone();
    let mut tokens = Vec::new();
    for way in Way::ALL {
        tokens.push(app.token(way, "ada").await);
    }
    let token = &tokens[0];
    let line = "POST /api/v1/users/me/api-keys";
    let key = app
        .call_as(token, line, &json!({ "name": "x", "password": PASSWORD }))
        .await
        .done(201)["key"]
        .clone();
    let body = json!({ "email": "other@example.org", "password": PASSWORD });
    app.call_as(token, "POST /api/v1/users/me/email", &body)
        .await
        .done(202);
    let body = json!({ "email": "ada@example.org" });
    app.post("/api/v1/auth/password-resets", &body)
        .await
        .done(202);
    let code = app.mailbox.last().code();

    let answer = delete(&app, token, PASSWORD).await;
    answer.done(204);
    assert_eq!(answer.text, "");
    assert_eq!(rows(&app).await, before);
    for token in &tokens {
        assert!(!app.is_good(token).await);
    }
    for way in Way::ALL {
        app.sign_in(way, "ada", PASSWORD).await.refused(401);
    }
    let body = json!({ "refresh_token": refresh });
    app.post("/api/v1/auth/sessions/refresh", &body)
        .await
        .refused(401);
    app.post("/api/login", &json!({ "api_key": key }))
        .await
        .refused(401);
    let body = json!({ "email": "ada@example.org", "token": code, "password": PASSWORD });
    app.post("/api/v1/auth/password-resets/confirm", &body)
        .await
        .refused(401);
    app.token(Way::Runtime, "bob").await;
    // The open user of that name stays.
    app.get("/api/v1/users/ada").await.done(200);
}

#[tokio::test]
async fn nothing_that_is_made_meanwhile_stays() {
    let app = both::start(&[]).await;
    let before = rows(&app).await;
    let token = Way::Runtime.token_of(&app.sign_up("ada").await);
    let late = async |steps: usize| {
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        let key = json!({ "name": "x", "password": PASSWORD });
        let reset = json!({ "email": "ada@example.org" });
        let address = json!({ "email": "other@example.org", "password": PASSWORD });
        tokio::join!(
            app.sign_in(Way::Studio, "ada", PASSWORD),
            app.call_as(&token, "POST /api/v1/users/me/api-keys", &key),
            app.post("/api/v1/auth/password-resets", &reset),
            app.call_as(&token, "POST /api/v1/users/me/email", &address),
        )
    };
    let others = futures::future::join_all((0..5).map(|n| late(2 * n)));
    let (deleted, answers) = tokio::join!(delete(&app, &token, PASSWORD), others);
    deleted.done(204);
    for (sign_in, key, reset, address) in answers {
        for answer in [sign_in, key, reset, address] {
            assert!(answer.status.as_u16() < 500, "{}", answer.text);
        }
    }
    assert_eq!(rows(&app).await, before);
}

#[tokio::test]
async fn its_name_and_its_address_are_free() {
    let app = both::start(&[]).await;
    let old = app.sign_up("ada").await;
    let token = Way::Runtime.token_of(&old);
    delete(&app, &token, PASSWORD).await.done(204);
    let new = app.sign_up("ada").await;
    assert_ne!(old["user"]["id"], new["user"]["id"]);
    assert!(!app.is_good(&token).await, "an old token for a new account");
}

#[tokio::test]
async fn the_password_must_be_right() {
    let app = both::start(&[]).await;
    let token = Way::Runtime.token_of(&app.sign_up("ada").await);
    for (body, field) in [
        (json!({}), "password"),
        (json!({ "password": "" }), "password"),
    ] {
        let line = "DELETE /api/v1/users/me";
        let answer = app.call_as(&token, line, &body).await;
        answer.refused(422);
        assert_eq!(answer.fields(), [field]);
    }
    for _ in 0..10 {
        let wrong = delete(&app, &token, "wrong horse").await;
        wrong.problem(403, "The password is wrong");
    }
    delete(&app, &token, PASSWORD).await.refused(429);
    assert!(app.is_good(&token).await);
}

#[tokio::test]
async fn an_administrator_that_left_does_not_come_back() {
    let own = [
        ("admin_username", "root"),
        ("admin_email", "root@example.org"),
        ("admin_password", PASSWORD),
    ];
    let app = both::start(&own).await;
    let token = app.token(Way::Studio, "root").await;
    delete(&app, &token, PASSWORD).await.done(204);
    app.sign_in(Way::Studio, "root", PASSWORD)
        .await
        .refused(401);
    assert_eq!(
        app.call_as(&token, "GET /api/v1/users/me", &Value::Null)
            .await
            .status,
        401
    );
}
