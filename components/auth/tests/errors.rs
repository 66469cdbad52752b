//! What every operation does alike: invalid bodies, other types, browsers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use contracts::{Contract, openapi::operations};
use serde_json::{Value, json};
use test_app::{Accounts, PASSWORD, Way};

async fn start() -> (Accounts, String) {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    (app, token)
}

/// Every operation with a body, and the members that it cannot do without: what is at fault in
/// an empty object is the first of them.
const BODIES: [(&str, &[&str]); 14] = [
    (
        "POST /api/v1/auth/verifications",
        &["username", "email", "password"],
    ),
    ("POST /api/v1/auth/verifications/resend", &["email"]),
    (
        "POST /api/v1/auth/verifications/verify",
        &["email", "token"],
    ),
    ("POST /api/v1/auth/sessions", &["email", "password"]),
    ("POST /api/v1/auth/sessions/refresh", &["refresh_token"]),
    ("DELETE /api/v1/auth/sessions", &["refresh_token"]),
    ("POST /api/v1/auth/password-resets", &["email"]),
    (
        "POST /api/v1/auth/password-resets/confirm",
        &["email", "token", "password"],
    ),
    ("POST /api/v1/users/me/email", &["email", "password"]),
    (
        "POST /api/v1/users/me/email/confirm",
        &["token", "password"],
    ),
    ("POST /api/v1/users/me/api-keys", &["name", "password"]),
    (
        "PUT /api/v1/users/me/password",
        &["oldPassword", "newPassword"],
    ),
    ("POST /api/v1/auth/login", &["username", "password"]),
    ("POST /api/login", &["username", "password"]),
];

/// The status of what is invalid on `line`.
fn status(line: &str) -> u16 {
    let (_, path) = line.split_once(' ').unwrap();
    match Contract::of_path(path) {
        Contract::Codex | Contract::Studio => 400,
        _ => 422,
    }
}

#[tokio::test]
async fn what_is_missing_and_what_has_another_type_is_named() {
    let (app, token) = start().await;
    for (line, members) in BODIES {
        let empty = app.call_as(&token, line, &json!({})).await;
        empty.refused(status(line));
        assert_eq!(empty.fields(), [members[0]], "{line}");
        let mut body = json!({});
        for member in members {
            body[member] = json!("valid_1@example.org");
        }
        for member in members {
            for wrong in [json!(7), json!(true), json!(["x"]), json!({ "x": 1 })] {
                let mut body = body.clone();
                body[member] = wrong;
                let answer = app.call_as(&token, line, &body).await;
                answer.refused(status(line));
                assert_eq!(answer.fields(), [*member], "{line} {body}");
                assert!(!answer.text.contains("valid_1"), "{}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn a_body_must_be_one_json_object_of_that_type_and_size() {
    let (app, token) = start().await;
    let bearer = format!("Bearer {token}");
    let json = ("content-type", "application/json");
    let auth = ("authorization", bearer.as_str());
    for (line, _) in BODIES {
        let (method, path) = line.split_once(' ').unwrap();
        let send = async |headers: &[(&str, &str)], body: &str| {
            let method = method.parse().unwrap();
            app.request(method, path, headers, body).await
        };
        for body in ["", "{", "7", "\"x\"", "\u{0}"] {
            let answer = send(&[json, auth], body).await;
            answer.refused(status(line));
            assert_eq!(answer.fields(), ["body"], "{line} {body:?}");
        }
        send(&[auth], "{}").await.refused(415);
        let form = ("content-type", "application/x-www-form-urlencoded");
        send(&[form, auth], "a=b").await.refused(415);
        let large = json!({ "x": "x".repeat(256 * 1024) }).to_string();
        send(&[json, auth], &large).await.refused(413);
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_named_all_at_once() {
    let (app, token) = start().await;
    let sign_up = "POST /api/v1/auth/verifications";
    let check = async |line: &str, body: Value, fields: &[&str]| {
        let answer = app.call_as(&token, line, &body).await;
        answer.refused(status(line));
        assert_eq!(answer.fields(), fields, "{line} {body}");
        assert!(!answer.text.contains("hunter"), "{}", answer.text);
    };
    let body = json!({ "username": "a", "email": "x", "password": "short" });
    check(sign_up, body, &["email", "password", "username"]).await;
    for username in ["me", "a b", "ад", &"x".repeat(31)] {
        let body = json!({ "username": username, "email": "x@example.org", "password": PASSWORD });
        check(sign_up, body, &["username"]).await;
    }
    let long = "hunter".repeat(22);
    let body = json!({ "username": "bob", "email": "bob@example.org", "password": long });
    check(sign_up, body, &["password"]).await;
    for code in ["", "12345", "1234567", "12345x", "１２３４５６"] {
        let body = json!({ "email": "ada@example.org", "token": code });
        check("POST /api/v1/auth/verifications/verify", body, &["token"]).await;
    }
    let body = json!({ "refresh_token": "x".repeat(4097) });
    check(
        "POST /api/v1/auth/sessions/refresh",
        body,
        &["refresh_token"],
    )
    .await;
}

#[tokio::test]
async fn every_operation_with_a_body_of_this_component_is_in_the_table() {
    let (app, _) = start().await;
    for operation in operations() {
        let ours = [
            "/api/v1/auth/",
            "/api/login",
            "/api/logout",
            "/api/v1/users/me/",
        ];
        // Tickets are with `sessions`, which passwords do not keep busy.
        let elsewhere = operation.path == "/api/v1/auth/tickets";
        if elsewhere || !ours.iter().any(|path| operation.path.starts_with(path)) {
            continue;
        }
        let method = format!("{:?}", operation.method).to_uppercase();
        let line = format!("{method} {}", operation.path);
        let plain = app
            .request(method.parse().unwrap(), operation.path, &[], "")
            .await;
        let takes_one = plain.status == 415;
        let listed = BODIES.iter().any(|(known, _)| *known == line);
        assert!(listed || !takes_one, "{line}");
        // Served, by this method, and with a slash at the end too.
        assert!(![404, 405].contains(&plain.status.as_u16()), "{line}");
        let slash = format!("{line}/");
        assert_eq!(app.call(&slash, &Value::Null).await.status, plain.status);
    }
    app.call("GET /api/v1/auth/nowhere", &Value::Null)
        .await
        .refused(404);
    let method = app.call("PATCH /api/v1/auth/sessions", &Value::Null).await;
    method.refused(405);
    assert!(method.header("allow").contains("POST"));
}

#[tokio::test]
async fn pages_of_allowed_origins_ask_before_and_read_the_answer() {
    let own = [
        ("public_url", "https://atelier.example"),
        ("cors_origins", "https://app.example"),
    ];
    let app = Accounts::start(auth_component::router, &own).await;
    app.sign_up("ada").await;
    for (origin, allowed) in [
        ("https://app.example", "https://app.example"),
        ("https://evil.example", ""),
        ("null", ""),
    ] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "DELETE"),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ];
        let asked = app
            .call_with(&headers, "OPTIONS /api/v1/auth/logins", &Value::Null)
            .await;
        asked.done(204);
        assert_eq!(
            asked.header("access-control-allow-origin"),
            allowed,
            "{origin}"
        );
        let granted = asked
            .header("access-control-allow-methods")
            .contains("DELETE");
        assert_eq!(granted, !allowed.is_empty(), "{origin}");
        for way in Way::ALL {
            for (password, status) in [(PASSWORD, 200), ("wrong horse", 401)] {
                let (line, body) = way.request("ada", password);
                let answer = app.call_with(&[("origin", origin)], line, &body).await;
                assert_eq!(answer.status, status);
                assert_eq!(answer.header("access-control-allow-origin"), allowed);
                assert_eq!(answer.header("cache-control"), "no-store");
                assert_eq!(answer.header("vary"), "Origin");
                assert_eq!(answer.header("x-content-type-options"), "nosniff");
            }
        }
    }
}
