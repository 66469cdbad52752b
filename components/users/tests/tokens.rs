//! Tokens that are not, or no longer, good: refused wherever one must be signed in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod both;

use auth::{AccessToken, Keys};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use contracts::{Access, openapi::operations};
use domain::Audience;
use serde_json::{Value, json};
use test_app::{Accounts, NOW, PASSWORD, Way};

const ISSUER: &str = "http://127.0.0.1:3000";
const SECRET: &str = "a-secret-for-tests-of-32-bytes-at-least";

/// Every operation of both components that asks for a login.
fn lines() -> Vec<String> {
    let ours = [
        "/api/v1/auth/",
        "/api/v1/users/",
        "/api/login",
        "/api/logout",
    ];
    let signed_in = operations()
        .filter(|operation| matches!(operation.access, Access::SignedIn | Access::Administrator))
        .filter(|operation| ours.iter().any(|path| operation.path.starts_with(path)))
        // With `sessions`, which passwords do not keep busy.
        .filter(|operation| operation.path != "/api/v1/auth/tickets");
    let lines = signed_in.map(|operation| {
        let method = format!("{:?}", operation.method).to_uppercase();
        let path = operation.path.replace("{username}", "ada");
        let id = "01a3185c-5000-7054-9448-ec8d03a8bde6";
        let path = path.replace("{login_id}", id).replace("{key_id}", id);
        assert!(!path.contains('{'), "{path}");
        format!("{method} {path}")
    });
    lines.collect()
}

/// Checks that `token` is refused by every operation, in the header, the cookie and the query.
async fn check_refused(app: &Accounts, what: &str, token: &str) {
    let cookie = format!("access_token={token}");
    let cookie = [("cookie", cookie.as_str())];
    for line in lines() {
        let answer = app.call_as(token, &line, &Value::Null).await;
        assert_eq!(answer.status, 401, "{what}: {line}: {}", answer.text);
        answer.refused(401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("cache-control"), "no-store");
        let answer = app.call_with(&cookie, &line, &Value::Null).await;
        assert_eq!(answer.status, 401, "{what}: {line} by cookie");
    }
    let query = format!("GET /api/v1/auth/me?token={token}");
    app.call(&query, &Value::Null).await.refused(401);
    assert!(!app.is_good(token).await, "{what}");
    let status = app
        .call_as(token, "GET /api/login/status", &Value::Null)
        .await;
    assert_eq!(
        status.done(200),
        json!({ "authenticated": false }),
        "{what}"
    );
}

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap()
}

/// A token as we make them, of these claims, with a secret and an issuer of choice.
fn made(claims: &Value, audience: Audience, secret: &str, issuer: &str) -> String {
    let uuid = |member: &str| claims[member].as_str().unwrap().parse().unwrap();
    let token = AccessToken {
        login: uuid("sid"),
        user: uuid("sub"),
        audience,
        issued_at: NOW,
        expires_at: NOW + 3_600_000,
        id: uuid("jti"),
    };
    auth::issue(&Keys::from_secret(secret).unwrap(), issuer, &token).unwrap()
}

#[tokio::test]
async fn the_walk_sees_every_operation_and_a_good_token_passes() {
    let app = both::start(&[]).await;
    app.sign_up("ada").await;
    let lines = lines();
    assert!(lines.len() >= 18, "{lines:?}");
    for line in lines {
        let nobody = app.call(&line, &Value::Null).await;
        if line == "GET /api/v1/users/ada" {
            // Without a token it asks for an open user.
            nobody.refused(404);
        } else {
            nobody.problem(401, "Not authenticated");
        }
        let studio = line.contains("/auth/refresh");
        let way = if studio { Way::Studio } else { Way::Runtime };
        let token = app.token(way, "ada").await;
        let answer = app.call_as(&token, &line, &Value::Null).await;
        assert_ne!(answer.status, 401, "{line}");
    }
}

#[tokio::test]
async fn forged_ones() {
    let app = both::start(&[]).await;
    app.sign_up("ada").await;
    let admin = app.sign_up("eve").await["user"]["id"].clone();
    let good = app.token(Way::Runtime, "ada").await;
    let parts: Vec<&str> = good.split('.').collect();
    let (payload, signature) = (parts[1], parts[2]);
    let other_header = |algorithm: &str| part(&json!({ "alg": algorithm, "typ": "JWT" }));
    for algorithm in ["none", "NONE", "HS512", "HS384", "RS256", "ES256", "hs256"] {
        let header = other_header(algorithm);
        check_refused(&app, algorithm, &format!("{header}.{payload}.{signature}")).await;
        check_refused(&app, algorithm, &format!("{header}.{payload}.")).await;
    }
    let altered = |member: &str, value: Value| {
        let mut claims = claims(&good);
        claims[member] = value;
        format!("{}.{}.{signature}", parts[0], part(&claims))
    };
    for (member, value) in [
        ("sub", admin),
        ("aud", json!("studio")),
        ("exp", json!(4_000_000_000_i64)),
        ("role", json!("ADMIN")),
    ] {
        check_refused(&app, member, &altered(member, value)).await;
    }
    check_refused(&app, "unsigned", &format!("{}.{payload}.", parts[0])).await;
    check_refused(&app, "nonsense", "nonsense").await;
    check_refused(&app, "long", &"x".repeat(5000)).await;
    assert!(app.is_good(&good).await);
}

#[tokio::test]
async fn ones_of_another_secret_issuer_audience_account_or_login() {
    let app = both::start(&[]).await;
    app.sign_up("ada").await;
    let eve = claims(&Way::Runtime.token_of(&app.sign_up("eve").await));
    for way in Way::ALL {
        let good = app.token(way, "ada").await;
        let own = claims(&good);
        let audience = Audience::parse(own["aud"].as_str().unwrap()).unwrap();
        // It is made as the real ones are.
        assert!(app.is_good(&made(&own, audience, SECRET, ISSUER)).await);
        let secret = "another-secret-of-32-bytes-at-the-least";
        check_refused(&app, "secret", &made(&own, audience, secret, ISSUER)).await;
        for issuer in ["https://atelier.example", "http://127.0.0.1:3000/", ""] {
            check_refused(&app, issuer, &made(&own, audience, SECRET, issuer)).await;
        }
        for other in Audience::ALL.into_iter().filter(|other| *other != audience) {
            let token = made(&own, other, SECRET, ISSUER);
            let what = format!("{audience:?} as {other:?}");
            if other == Audience::Studio {
                // Its refresh must not take it either.
                let line = "POST /api/v1/auth/refresh";
                let answer = app.call_as(&token, line, &Value::Null).await;
                assert_eq!(answer.status, 401, "{what}");
            }
            check_refused(&app, &what, &token).await;
        }
        for member in ["sub", "sid"] {
            let mut mixed = own.clone();
            mixed[member] = eve[member].clone();
            let token = made(&mixed, audience, SECRET, ISSUER);
            check_refused(&app, member, &token).await;
        }
    }
}

#[tokio::test]
async fn ones_of_an_ended_login_or_a_deleted_account() {
    let app = both::start(&[]).await;
    for way in Way::ALL {
        app.sign_up("ada").await;
        let token = app.token(way, "ada").await;
        let line = "POST /api/v1/auth/logout";
        app.call_as(&token, line, &Value::Null).await.done(200);
        check_refused(&app, "ended", &token).await;

        let token = app.token(way, "ada").await;
        let body = json!({ "password": PASSWORD });
        app.call_as(&token, "DELETE /api/v1/users/me", &body)
            .await
            .done(204);
        check_refused(&app, "deleted", &token).await;
        app.wait(3600);
    }
}

#[tokio::test]
async fn expired_ones_and_what_is_no_access_token() {
    let app = both::start(&[]).await;
    let tokens = app.sign_up("ada").await;
    check_refused(&app, "refresh", tokens["refresh_token"].as_str().unwrap()).await;
    check_refused(&app, "runner", "a-token-for-tests").await;
    for way in Way::ALL {
        let token = app.token(way, "ada").await;
        let hour = if matches!(way, Way::Runtime | Way::Studio) {
            1
        } else {
            24
        };
        app.wait(hour * 3600 - 1);
        assert!(app.is_good(&token).await, "{way:?}");
        app.wait(1);
        if way == Way::Studio {
            // Its refresh takes it for a while.
            assert!(!app.is_good(&token).await);
            app.wait(8 * 24 * 3600);
        }
        check_refused(&app, "expired", &token).await;
    }
}
