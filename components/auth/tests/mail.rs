//! Mail that cannot be sent: nothing is promised.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use std::time::Duration;
use test_app::{Accounts, Answer, Fault, PASSWORD, Way};

const DETAIL: &str = "Mail cannot be sent at the moment. Try again later";

/// Every request that sends a letter, as somebody known and as somebody unknown.
fn requests() -> Vec<(&'static str, Value)> {
    let mut requests = Vec::new();
    for name in ["ada", "nobody"] {
        let email = format!("{name}@example.org");
        let body = json!({ "username": "wanted", "email": email, "password": PASSWORD });
        requests.push(("POST /api/v1/auth/verifications", body));
        let body = json!({ "email": email });
        requests.push(("POST /api/v1/auth/verifications/resend", body.clone()));
        requests.push(("POST /api/v1/auth/password-resets", body));
        let body = json!({ "email": email, "password": PASSWORD });
        requests.push(("POST /api/v1/users/me/email", body));
    }
    requests
}

async fn start() -> (Accounts, String) {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    let token = app.token(Way::Runtime, "ada").await;
    (app, token)
}

#[tokio::test]
async fn a_runner_that_does_not_take_the_letter_is_503() {
    for fault in [
        Fault::Status(401),
        Fault::Status(404),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(301),
        Fault::Unreachable,
    ] {
        let (app, token) = start().await;
        let sent = app.mailbox.letters().len();
        app.mailbox.fail(Some(fault));
        for (line, body) in requests() {
            let answer = app.call_as(&token, line, &body).await;
            answer.problem(503, DETAIL);
            assert_eq!(answer.header("retry-after"), "5", "{fault:?} {line}");
        }
        assert_eq!(app.mailbox.letters().len(), sent);
        let users = app.sql("SELECT id FROM users", vec![]).await;
        assert_eq!(users.len(), 1);
        // When it works again, so does everything.
        app.mailbox.fail(None);
        app.sign_up("nobody").await;
    }
}

#[tokio::test]
async fn a_runner_that_says_nothing_is_waited_for_five_seconds() {
    let (app, _) = start().await;
    app.mailbox.fail(Some(Fault::Silence));
    let mut asked = std::pin::pin!(app.ask_for("bob"));
    let mut answer: Option<Answer> = None;
    while answer.is_none() && app.clock.sleepers() == 0 {
        answer = futures::FutureExt::now_or_never(&mut asked);
        tokio::task::yield_now().await;
    }
    assert!(answer.is_none());
    app.clock.advance(Duration::from_millis(4_999));
    assert!(futures::FutureExt::now_or_never(&mut asked).is_none());
    app.clock.advance(Duration::from_millis(1));
    asked.await.problem(503, DETAIL);
}

#[tokio::test]
async fn letters_are_for_one_reader_and_say_no_secret_but_the_code() {
    let (app, token) = start().await;
    for (line, body) in requests() {
        app.call_as(&token, line, &body).await;
        let letter = app.mailbox.last();
        assert_eq!(json!(letter.to), body["email"], "{line}");
        assert!(!letter.subject.contains('\n'));
        assert!(!letter.text.contains(PASSWORD) && !letter.text.contains("argon2"));
    }
}
