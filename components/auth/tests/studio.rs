//! `studio`: refreshing what has expired, signing out, and how errors are written.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, Answer, PASSWORD, Way};

const REFRESH: &str = "POST /api/v1/auth/refresh";
const LOGOUT: &str = "POST /api/v1/auth/logout";
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

async fn start() -> (Accounts, String) {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    let token = app.token(Way::Studio, "ada").await;
    (app, token)
}

/// Checks an error as `studio` writes it.
#[track_caller]
fn check(answer: &Answer, status: u16) {
    let json = answer.refused(status);
    assert_eq!(json["code"], json["status"]);
    assert_eq!(json["message"], json["detail"]);
    assert_eq!(json.get("data"), Some(&Value::Null), "{json}");
}

async fn refresh(app: &Accounts, token: &str) -> Answer {
    app.call_as(token, REFRESH, &Value::Null).await
}

#[tokio::test]
async fn a_token_is_refreshed_until_seven_days_after_its_end() {
    for (age, fine) in [
        (0, true),
        (HOUR - 1, true),
        (HOUR, true),
        (HOUR + 7 * DAY - 1, true),
        (HOUR + 7 * DAY + 1, false),
        (HOUR + 8 * DAY, false),
    ] {
        let (app, token) = start().await;
        app.wait(age);
        let answer = refresh(&app, &token).await;
        if !fine {
            check(&answer, 401);
            continue;
        }
        assert_eq!(answer.header("cache-control"), "no-store");
        let json = answer.done(200);
        assert_eq!(
            (&json["code"], &json["message"]),
            (&json!(200), &json!("success"))
        );
        let new = Way::Studio.token_of(&json);
        assert!(app.is_good(&new).await, "{age}");
        assert_eq!(app.is_good(&token).await, age < HOUR, "{age}");
        // The new one has its own seven days.
        app.wait(HOUR + 6 * DAY);
        refresh(&app, &new).await.done(200);
    }
}

#[tokio::test]
async fn nothing_else_is_refreshed() {
    let (app, token) = start().await;
    check(&app.call(REFRESH, &Value::Null).await, 401);
    check(&refresh(&app, "nonsense").await, 401);
    for way in [Way::Runtime, Way::Workspace, Way::CodexByName] {
        let other = app.token(way, "ada").await;
        check(&refresh(&app, &other).await, 401);
    }
    let cookie = format!("access_token={token}");
    let headers = [("cookie", cookie.as_str())];
    let by_cookie = app.call_with(&headers, REFRESH, &Value::Null).await;
    check(&by_cookie, 401);
}

#[tokio::test]
async fn signing_out_ends_the_login_and_its_refresh() {
    let (app, token) = start().await;
    let other = app.token(Way::Studio, "ada").await;
    let out = app.call_as(&token, LOGOUT, &Value::Null).await;
    let expected = json!({ "code": 200, "message": "success", "data": null });
    assert_eq!(out.done(200), expected);
    assert!(!app.is_good(&token).await);
    check(&refresh(&app, &token).await, 401);
    check(&app.call_as(&token, LOGOUT, &Value::Null).await, 401);
    assert!(app.is_good(&other).await);
}

#[tokio::test]
async fn errors_have_the_envelopes_members_and_invalid_is_400() {
    let (app, token) = start().await;
    check(&app.call(LOGOUT, &Value::Null).await, 401);
    check(&app.sign_in(Way::Studio, "ada", "wrong horse").await, 401);
    let line = "POST /api/v1/auth/login";
    for (body, field) in [
        (json!({ "username": "ada" }), "password"),
        (json!({ "username": "ada", "password": "" }), "password"),
        (json!({ "username": "", "password": PASSWORD }), "username"),
        (
            json!({ "username": "x".repeat(255), "password": PASSWORD }),
            "username",
        ),
    ] {
        let answer = app.call(line, &body).await;
        check(&answer, 400);
        assert_eq!(answer.fields(), [field]);
    }
    let line = "PUT /api/v1/users/me/password";
    for (body, fields) in [
        (json!({}), &["oldPassword"][..]),
        (
            json!({ "oldPassword": "x", "newPassword": 7 }),
            &["newPassword"],
        ),
        (
            json!({ "oldPassword": "", "newPassword": "short" }),
            &["oldPassword", "newPassword"],
        ),
    ] {
        let answer = app.call_as(&token, line, &body).await;
        check(&answer, 400);
        assert_eq!(answer.fields(), fields);
    }
    for _ in 0..10 {
        app.sign_in(Way::Studio, "ada", "wrong horse").await;
    }
    check(&app.sign_in(Way::Studio, "ada", PASSWORD).await, 429);
}

#[tokio::test]
async fn the_other_contract_of_the_same_path_says_it_in_its_own_words() {
    let (app, _) = start().await;
    let wrong = app.sign_in(Way::Workspace, "ada", "wrong horse").await;
    assert_eq!(wrong.refused(401).get("code"), None);
    let body = json!({ "email": "ada@example.org" });
    let answer = app.post("/api/v1/auth/login", &body).await;
    assert_eq!(answer.refused(422).get("code"), None);
    assert_eq!(answer.fields(), ["password"]);
}

#[tokio::test]
async fn a_token_that_can_be_refreshed_can_also_sign_out() {
    for (age, fine) in [
        (HOUR - 1, true),
        (HOUR, true),
        (HOUR + 7 * DAY - 1, true),
        (HOUR + 7 * DAY + 1, false),
    ] {
        let (app, token) = start().await;
        app.wait(age);
        let out = app.call_as(&token, LOGOUT, &Value::Null).await;
        if fine {
            let expected = json!({ "code": 200, "message": "success", "data": null });
            assert_eq!(out.done(200), expected, "{age}");
        } else {
            check(&out, 401);
        }
        check(&refresh(&app, &token).await, 401);
        check(&app.call_as(&token, LOGOUT, &Value::Null).await, 401);
    }
}

#[tokio::test]
async fn no_other_token_that_has_expired_signs_out() {
    let (app, token) = start().await;
    let session = app.sign_in(Way::Runtime, "ada", PASSWORD).await.done(200);
    let others = [
        Way::Runtime.token_of(&session),
        app.token(Way::Workspace, "ada").await,
        app.token(Way::CodexByName, "ada").await,
    ];
    app.wait(DAY);
    for other in &others {
        app.call_as(other, LOGOUT, &Value::Null).await.refused(401);
    }
    let body = json!({ "refresh_token": session["refresh_token"] });
    app.post("/api/v1/auth/sessions/refresh", &body)
        .await
        .done(200);
    // Not by cookie, which no refresh takes either, and not with a signature that is not ours.
    let cookie = format!("access_token={token}");
    let headers = [("cookie", cookie.as_str())];
    app.call_with(&headers, LOGOUT, &Value::Null)
        .await
        .refused(401);
    let body = token.rsplit_once('.').unwrap().0;
    let signature = others[0].rsplit_once('.').unwrap().1;
    let forged = format!("{body}.{signature}");
    check(&app.call_as(&forged, LOGOUT, &Value::Null).await, 401);
    check(&app.call_as("nonsense", LOGOUT, &Value::Null).await, 401);
    check(&app.call(LOGOUT, &Value::Null).await, 401);
    refresh(&app, &token).await.done(200);
}
