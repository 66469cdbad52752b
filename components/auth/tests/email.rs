//! Another e-mail address, confirmed at the new one.

#![allow(clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, Answer, PASSWORD, Way};

const WRONG: &str = "The code is wrong or has expired";

async fn start() -> (Accounts, String) {
    start_with(&[]).await
}

async fn start_with(own: &[(&str, &str)]) -> (Accounts, String) {
    let app = Accounts::start(auth_component::router, own).await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    (app, token)
}

async fn ask(app: &Accounts, token: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.call_as(token, "POST /api/v1/users/me/email", &body)
        .await
}

async fn confirm(app: &Accounts, token: &str, code: &str) -> Answer {
    let line = "POST /api/v1/users/me/email/confirm";
    app.call_as(token, line, &json!({ "token": code, "password": PASSWORD }))
        .await
}

async fn email(app: &Accounts, token: &str) -> Value {
    let line = "GET /api/v1/auth/me";
    app.call_as(token, line, &Value::Null).await.done(200)["email"].clone()
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn it_takes_effect_when_it_is_confirmed() {
    let (app, token) = start().await;
    let asked = ask(&app, &token, "New@example.org", PASSWORD).await;
    assert_eq!(asked.done(202), json!({ "email": "new@example.org" }));
    let letter = app.mailbox.last();
    assert_eq!(letter.to, "new@example.org");
    assert!(letter.text.contains("the account ada"), "{}", letter.text);
    assert_eq!(email(&app, &token).await, "ada@example.org");
    app.sign_in(Way::Runtime, "new", PASSWORD)
        .await
        .refused(401);

    let profile = confirm(&app, &token, &letter.code()).await.done(200);
    assert_eq!(profile["username"], "ada");
    // The address that it had is told.
    let notice = app.mailbox.last();
    assert_eq!(
        (notice.to.as_str(), notice.discard),
        ("ada@example.org", false)
    );
    assert!(notice.text.contains("new@example.org"), "{}", notice.text);
    assert_eq!(email(&app, &token).await, "new@example.org");
    app.sign_in(Way::Runtime, "new", PASSWORD).await.done(200);
    app.sign_in(Way::Runtime, "ada", PASSWORD)
        .await
        .refused(401);
    confirm(&app, &token, &letter.code())
        .await
        .problem(401, WRONG);
    // The old address is free again.
    let body = json!({ "username": "bob", "email": "ada@example.org", "password": PASSWORD });
    app.post("/api/v1/auth/verifications", &body)
        .await
        .done(202);
    app.verify("ada", &app.mailbox.last().code())
        .await
        .done(200);
}

#[tokio::test]
async fn the_password_must_be_right() {
    let (app, token) = start().await;
    let letters = app.mailbox.letters().len();
    for _ in 0..10 {
        let wrong = ask(&app, &token, "new@example.org", "wrong horse").await;
        wrong.problem(403, "The password is wrong");
    }
    ask(&app, &token, "new@example.org", PASSWORD)
        .await
        .refused(429);
    assert_eq!(app.mailbox.letters().len(), letters);
}

#[tokio::test]
async fn the_code_has_five_tries_and_ten_minutes() {
    let (app, token) = start().await;
    ask(&app, &token, "new@example.org", PASSWORD)
        .await
        .done(202);
    let code = app.mailbox.last().code();
    for _ in 0..5 {
        confirm(&app, &token, other_than(&code))
            .await
            .problem(401, WRONG);
    }
    confirm(&app, &token, &code).await.problem(401, WRONG);
    ask(&app, &token, "new@example.org", PASSWORD)
        .await
        .done(202);
    let code = app.mailbox.last().code();
    app.wait(600);
    confirm(&app, &token, &code).await.problem(401, WRONG);
    assert_eq!(email(&app, &token).await, "ada@example.org");
}

#[tokio::test]
async fn the_code_is_good_for_whoever_asked_and_what_they_asked_last() {
    let (app, token) = start().await;
    app.sign_up("bob").await;
    let bob = app.token(Way::Runtime, "bob").await;
    ask(&app, &token, "first@example.org", PASSWORD)
        .await
        .done(202);
    let first = app.mailbox.last().code();
    confirm(&app, &bob, &first).await.problem(401, WRONG);
    ask(&app, &token, "second@example.org", PASSWORD)
        .await
        .done(202);
    let second = app.mailbox.last().code();
    if first != second {
        confirm(&app, &token, &first).await.problem(401, WRONG);
    }
    confirm(&app, &token, &second).await.done(200);
    assert_eq!(email(&app, &token).await, "second@example.org");
}

#[tokio::test]
async fn an_address_that_somebody_else_confirmed_first_is_a_conflict() {
    let (app, token) = start().await;
    ask(&app, &token, "other@example.org", PASSWORD)
        .await
        .done(202);
    let code = app.mailbox.last().code();
    app.sign_up("other").await;
    let refused = confirm(&app, &token, &code).await;
    refused.problem(409, "Another account has this address");
    assert_eq!(email(&app, &token).await, "ada@example.org");
}

#[tokio::test]
async fn a_known_address_is_not_told_before_its_code_is_there() {
    let (app, token) = start().await;
    app.sign_up("bob").await;
    let known = ask(&app, &token, "bob@example.org", PASSWORD).await;
    assert_eq!(known.done(202), json!({ "email": "bob@example.org" }));
    let letter = app.mailbox.last();
    assert_eq!(
        (letter.to.as_str(), letter.discard),
        ("bob@example.org", false)
    );
}

#[tokio::test]
async fn the_letter_is_in_the_language_of_its_reader_and_letters_are_limited() {
    let (app, token) = start().await;
    let header = format!("Bearer {token}");
    let headers = [
        ("authorization", header.as_str()),
        ("accept-language", "zh"),
    ];
    let body = json!({ "email": "new@example.org", "password": PASSWORD });
    let line = "POST /api/v1/users/me/email";
    for _ in 0..5 {
        app.call_with(&headers, line, &body).await.done(202);
    }
    let letter = app.mailbox.last();
    assert!(letter.subject.ends_with("是您更换 Atelier 邮箱的验证码"));
    let more = app.call_with(&headers, line, &body).await;
    more.refused(429);
    assert_eq!(more.header("retry-after"), "3600");
}

#[tokio::test]
async fn a_hundred_wrong_codes_a_day_for_an_account_whatever_address_it_asks_for() {
    // Where what one client may do is not what runs out.
    let own = [
        ("limit_codes_address", "1000"),
        ("limit_sign_ups_address", "1000"),
    ];
    let (app, token) = start_with(&own).await;
    app.sign_up("bob").await;
    let bob = app.token(Way::Runtime, "bob").await;
    for n in 0..100 {
        if n % 5 == 0 {
            let address = format!("new{n}@example.org");
            ask(&app, &token, &address, PASSWORD).await.done(202);
        }
        let wrong = other_than(&app.mailbox.last().code());
        confirm(&app, &token, wrong).await.problem(401, WRONG);
    }
    ask(&app, &token, "other@example.org", PASSWORD)
        .await
        .done(202);
    let code = app.mailbox.last().code();
    let many = confirm(&app, &token, &code).await;
    many.problem(429, "Too many tries. Wait before the next one");
    assert_ne!(many.header("retry-after"), "3600");
    // Others may, also with the same address.
    ask(&app, &bob, "other@example.org", PASSWORD)
        .await
        .done(202);
    let code = app.mailbox.last().code();
    confirm(&app, &bob, &code).await.done(200);
}
