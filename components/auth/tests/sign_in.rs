//! Signing in with a password, on every contract.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use futures::future::join_all;
use serde_json::{Value, json};
use test_app::{Accounts, Answer, PASSWORD, Way};

const WRONG: &str = "The name, the address or the password is wrong";
const LOCKED: &str = "Too many tries. Wait before the next one";

async fn app() -> Accounts {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    app
}

#[tokio::test]
async fn every_way_answers_in_its_contracts_words() {
    let app = app().await;
    for way in Way::ALL {
        let answer = app.sign_in(way, "ada", PASSWORD).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{way:?}");
        let json = answer.done(200);
        let token = way.token_of(&json);
        match way {
            Way::Runtime => {
                assert_eq!(json["expires_in"], 3600);
                assert!(json["refresh_token"].as_str().unwrap().starts_with("rt_"));
                assert_eq!(json["user"]["email"], "ada@example.org");
            }
            Way::Workspace => {
                let expected = json!({ "access_token": token, "token_type": "bearer" });
                assert_eq!(json, expected);
            }
            Way::Studio => {
                let user = json!({
                    "id": 1, "username": "ada", "displayName": null, "role": "USER",
                });
                let data = json!({ "token": token, "user": user });
                let expected = json!({ "code": 200, "message": "success", "data": data });
                assert_eq!(json, expected);
            }
            Way::CodexByName | Way::CodexByAddress => {
                let expected = json!({
                    "access_token": token, "token_type": "bearer", "expires_in": 86_400,
                });
                assert_eq!(json, expected);
            }
        }
        assert!(app.is_good(&token).await, "{way:?}");
    }
    // Names and addresses count in whatever case.
    app.sign_in(Way::Studio, "ADA", PASSWORD).await.done(200);
    let body = json!({ "email": " ADA@example.ORG ", "password": PASSWORD });
    app.post("/api/v1/auth/login", &body).await.done(200);
}

/// An answer without what is its own: the path.
fn told(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut json = answer.json();
    json["instance"] = Value::Null;
    let names = answer.headers.keys().map(ToString::to_string);
    (answer.status.as_u16(), json, names.collect())
}

#[tokio::test]
async fn unknown_and_wrong_are_the_same() {
    let app = app().await;
    for way in Way::ALL {
        let wrong = app.sign_in(way, "ada", "wrong horse").await;
        let unknown = app.sign_in(way, "nobody", PASSWORD).await;
        wrong.problem(401, WRONG);
        assert_eq!(told(&wrong), told(&unknown), "{way:?}");
        assert_eq!(wrong.header("www-authenticate"), "Bearer");
    }
    // Passwords are whole.
    for near in ["Correct horse", "correct horse ", "correct hors"] {
        app.sign_in(Way::Studio, "ada", near).await.refused(401);
    }
}

#[tokio::test]
async fn ten_wrong_passwords_lock_a_name_known_or_not() {
    for way in Way::ALL {
        let app = app().await;
        for name in ["ada", "nobody"] {
            for _ in 0..10 {
                app.sign_in(way, name, "wrong horse")
                    .await
                    .problem(401, WRONG);
            }
        }
        let known = app.sign_in(way, "ada", PASSWORD).await;
        let unknown = app.sign_in(way, "nobody", PASSWORD).await;
        known.problem(429, LOCKED);
        assert_eq!(told(&known), told(&unknown), "{way:?}");
        assert_eq!(known.header("retry-after"), "900");
        app.sign_in(way, "ADA", PASSWORD).await.refused(429);
        app.wait(899);
        let known = app.sign_in(way, "ada", PASSWORD).await;
        known.refused(429);
        assert_eq!(known.header("retry-after"), "1");
        app.wait(1);
        app.sign_in(way, "ada", PASSWORD).await.done(200);
    }
}

#[tokio::test]
async fn right_passwords_do_not_count() {
    let app = app().await;
    for _ in 0..9 {
        app.sign_in(Way::Studio, "ada", "wrong horse")
            .await
            .refused(401);
    }
    for _ in 0..12 {
        app.sign_in(Way::Studio, "ada", PASSWORD).await.done(200);
    }
    app.sign_in(Way::Studio, "ada", "wrong horse")
        .await
        .refused(401);
    app.sign_in(Way::Studio, "ada", PASSWORD).await.refused(429);
}

#[tokio::test]
async fn right_passwords_at_the_same_time_lock_nobody() {
    let app = app().await;
    let tries = (0..30).map(|_| app.sign_in(Way::Studio, "ada", PASSWORD));
    let answers = join_all(tries).await;
    let refused = answers.iter().filter(|answer| answer.status == 429);
    assert!(
        (1..30).contains(&refused.count()),
        "they were not at the same time"
    );
    app.sign_in(Way::Studio, "ada", PASSWORD).await.done(200);
}

#[tokio::test]
async fn a_locked_name_does_not_lock_its_address() {
    let app = app().await;
    app.sign_up("bob").await;
    for _ in 0..60 {
        app.sign_in(Way::Studio, "ada", "wrong horse").await;
    }
    app.sign_in(Way::Studio, "ada", PASSWORD).await.refused(429);
    app.sign_in(Way::Studio, "bob", PASSWORD).await.done(200);
}

#[tokio::test]
async fn wrong_passwords_at_the_same_time_are_all_counted() {
    let app = app().await;
    let tries = (0..15).map(|_| app.sign_in(Way::Studio, "ada", "wrong horse"));
    let answers = join_all(tries).await;
    let judged = answers.iter().filter(|answer| answer.status == 401);
    assert!(judged.count() <= 10);
    for _ in 0..10 {
        app.sign_in(Way::Studio, "ada", "wrong horse").await;
    }
    app.sign_in(Way::Studio, "ada", PASSWORD).await.refused(429);
}

#[tokio::test]
async fn fifty_wrong_passwords_from_an_address() {
    let app = app().await;
    let sign_in = async |from: &str, name: &str, password: &str| {
        let (line, body) = Way::Studio.request(name, password);
        app.call_with(&[("spin-client-addr", from)], line, &body)
            .await
    };
    for n in 0..50 {
        let name = format!("n{}", n / 8);
        sign_in("192.0.2.1:1", &name, "wrong horse")
            .await
            .refused(401);
    }
    let locked = sign_in("192.0.2.1:2", "ada", PASSWORD).await;
    locked.problem(429, LOCKED);
    assert_eq!(locked.header("retry-after"), "900");
    // A client cannot say who it is.
    let (line, body) = Way::Studio.request("ada", PASSWORD);
    for (name, value) in [
        ("x-forwarded-for", "198.51.100.1"),
        ("x-atelier-client-addr", "198.51.100.1"),
        ("forwarded", "for=198.51.100.1"),
        ("x-real-ip", "198.51.100.1"),
    ] {
        let headers = [("spin-client-addr", "192.0.2.1:3"), (name, value)];
        app.call_with(&headers, line, &body).await.refused(429);
    }
    sign_in("192.0.2.2:1", "ada", PASSWORD).await.done(200);
    app.wait(900);
    sign_in("192.0.2.1:1", "ada", PASSWORD).await.done(200);
}

#[tokio::test]
async fn a_hash_of_weaker_parameters_is_made_anew() {
    let app = app().await;
    let params = Params::new(4096, 1, 1, Some(32)).unwrap();
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(PASSWORD.as_bytes(), &[1; 16])
        .unwrap()
        .to_string();
    let set = "UPDATE users SET password_hash = ?1";
    app.sql(set, vec![weak.clone().into()]).await;
    app.sign_in(Way::Studio, "ada", "wrong horse")
        .await
        .refused(401);
    let hash = async || {
        let rows = app.sql("SELECT password_hash FROM users", vec![]).await;
        rows[0].get::<String>(0).unwrap()
    };
    assert_eq!(hash().await, weak);
    let token = app.token(Way::Studio, "ada").await;
    let strong = hash().await;
    assert!(
        strong.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{strong}"
    );
    assert!(app.is_good(&token).await);
    app.token(Way::Runtime, "ada").await;
    assert_eq!(hash().await, strong);
}
