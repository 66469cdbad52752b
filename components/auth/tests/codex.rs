//! `codex`: the cookie, the status, and signing out by cookie.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, Answer, NOW, PASSWORD, Way};

const PUBLIC: &str = "https://atelier.example";
const STATUS: &str = "GET /api/login/status";
const LOGOUT: &str = "POST /api/logout";

async fn app(own: &[(&str, &str)]) -> Accounts {
    let app = Accounts::start(auth_component::router, own).await;
    app.sign_up("ada").await;
    app
}

async fn with_cookie(app: &Accounts, token: &str, more: &[(&str, &str)], line: &str) -> Answer {
    let cookie = format!("a=b; access_token={token}; c=d");
    let headers: Vec<_> = [("cookie", cookie.as_str())]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    app.call_with(&headers, line, &Value::Null).await
}

#[tokio::test]
async fn the_cookie_is_for_this_site_alone() {
    for (public_url, secure) in [
        ("http://127.0.0.1:3000", false),
        ("http://localhost:3000", false),
        ("https://localhost", true),
        ("https://atelier.example", true),
        ("http://atelier.example", true),
    ] {
        let app = app(&[("public_url", public_url)]).await;
        for way in [Way::CodexByName, Way::CodexByAddress] {
            let answer = app.sign_in(way, "ada", PASSWORD).await;
            let token = way.token_of(&answer.done(200));
            let end = if secure { "; Secure" } else { "" };
            let expected =
                format!("access_token={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400{end}");
            assert_eq!(answer.header("set-cookie"), expected);
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    let app = app(&[]).await;
    for way in [Way::Runtime, Way::Workspace, Way::Studio] {
        let answer = app.sign_in(way, "ada", PASSWORD).await;
        assert_eq!(answer.header("set-cookie"), "", "{way:?}");
    }
}

#[tokio::test]
async fn the_status_is_an_answer_either_way() {
    let app = app(&[]).await;
    let nobody = json!({ "authenticated": false });
    assert_eq!(app.call(STATUS, &Value::Null).await.done(200), nobody);
    let nonsense = app.call_as("nonsense", STATUS, &Value::Null).await;
    assert_eq!(nonsense.done(200), nobody);

    let token = app.token(Way::CodexByName, "ada").await;
    let status = app.call_as(&token, STATUS, &Value::Null).await;
    assert_eq!(status.header("cache-control"), "no-store");
    let status = status.done(200);
    assert_eq!(status["authenticated"], true);
    assert_eq!(status["user"]["username"], "ada");
    assert_eq!(status["user"]["email"], "ada@example.org");
    assert_eq!(status["expires_at"], NOW + 86_400_000);
    // A page of anybody may make the request; it cannot read the answer.
    let evil = [("origin", "https://evil.example")];
    let by_cookie = with_cookie(&app, &token, &evil, STATUS).await;
    assert_eq!(by_cookie.done(200), status);
    app.wait(86_400);
    let expired = app.call_as(&token, STATUS, &Value::Null).await;
    assert_eq!(expired.done(200), nobody);
}

#[tokio::test]
async fn the_status_says_when_the_token_ends_and_not_its_login() {
    let app = app(&[]).await;
    for way in [Way::Runtime, Way::Studio] {
        let token = app.token(way, "ada").await;
        let status = app.call_as(&token, STATUS, &Value::Null).await.done(200);
        assert_eq!(status["expires_at"], NOW + 3_600_000, "{way:?}");
    }
}

#[tokio::test]
async fn signing_out_by_cookie_is_for_our_own_pages() {
    let own = [
        ("public_url", PUBLIC),
        ("cors_origins", "https://app.example"),
    ];
    let app = app(&own).await;
    let host = ("host", "internal.example:8080");
    for (headers, fine) in [
        (&[("origin", PUBLIC)][..], true),
        (&[("origin", "https://atelier.example:443")], true),
        (&[("origin", "https://app.example")], true),
        (&[("origin", "http://internal.example:8080"), host], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[], true),
        (&[("origin", "null")], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "http://atelier.example")], false),
        (&[("origin", "https://atelier.example.evil.example")], false),
        (&[("origin", "https://internal.example"), host], false),
        (&[("origin", "")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (
            &[("origin", PUBLIC), ("origin", "https://evil.example")],
            false,
        ),
    ] {
        let token = app.token(Way::CodexByName, "ada").await;
        let answer = with_cookie(&app, &token, headers, LOGOUT).await;
        if fine {
            answer.done(204);
            let forgotten = "access_token=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure";
            assert_eq!(answer.header("set-cookie"), forgotten);
        } else {
            let problem = answer.problem(403, "A page of another site made this request");
            assert_eq!(problem["error"], "Unauthorized");
            assert_eq!(answer.header("set-cookie"), "");
        }
        assert_eq!(app.is_good(&token).await, !fine, "{headers:?}");
    }
}

#[tokio::test]
async fn a_cookie_is_checked_for_its_page_wherever_something_changes() {
    let app = app(&[("public_url", PUBLIC)]).await;
    let token = app.token(Way::CodexByName, "ada").await;
    let evil = [("origin", "https://evil.example")];
    for line in [
        "POST /api/v1/auth/logout",
        "PUT /api/v1/users/me/password",
        "POST /api/v1/users/me/email",
        "POST /api/v1/users/me/email/confirm",
        "POST /api/v1/users/me/api-keys",
        "DELETE /api/v1/auth/logins",
    ] {
        with_cookie(&app, &token, &evil, line).await.refused(403);
    }
    // A token in the header proves that the page knows it.
    let header = format!("Bearer {token}");
    let headers = [("authorization", header.as_str()), evil[0]];
    app.call_with(&headers, LOGOUT, &Value::Null)
        .await
        .done(204);
    assert!(!app.is_good(&token).await);
    // Without a login there is nothing to end.
    let out = app.call(LOGOUT, &Value::Null).await;
    assert_eq!(
        out.problem(401, "Not authenticated")["error"],
        "Unauthorized"
    );
}

#[tokio::test]
async fn what_is_invalid_is_400_and_a_key_counts_before_the_rest() {
    let app = app(&[]).await;
    for (body, field) in [
        (json!({}), "username"),
        (json!({ "username": "ada" }), "password"),
        (json!({ "email": "", "password": "x" }), "email"),
        (json!({ "api_key": "" }), "api_key"),
        (json!({ "api_key": 7 }), "api_key"),
        (json!({ "username": ["ada"], "password": "x" }), "username"),
    ] {
        let answer = app.post("/api/login", &body).await;
        assert_eq!(answer.refused(400)["error"], "InvalidRequest");
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let both = json!({ "username": "ada", "password": PASSWORD, "api_key": "atl_x" });
    let refused = app.post("/api/login", &both).await;
    refused.problem(401, "The API key is wrong");
}
