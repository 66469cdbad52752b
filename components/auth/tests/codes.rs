//! Codes: tries, time, and whose they are. A sign-up's stand for all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::json;
use test_app::{Accounts, Answer};

const WRONG: &str = "The code is wrong or has expired";

async fn app() -> Accounts {
    Accounts::start(auth_component::router, &[]).await
}

/// A code that is not `code`.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn five_tries_and_the_sixth_is_refused_even_when_right() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    let code = app.mailbox.last().code();
    for _ in 0..4 {
        app.verify("ada", other_than(&code))
            .await
            .problem(401, WRONG);
    }
    // The others do not count for somebody else.
    app.sign_up("bob").await;
    app.verify("ada", other_than(&code))
        .await
        .problem(401, WRONG);
    app.verify("ada", &code).await.problem(401, WRONG);
    // A new code has tries of its own.
    let body = json!({ "email": "ada@example.org" });
    app.post("/api/v1/auth/verifications/resend", &body)
        .await
        .done(204);
    app.verify("ada", &app.mailbox.last().code())
        .await
        .done(200);
}

#[tokio::test]
async fn the_fifth_try_may_be_right() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    let code = app.mailbox.last().code();
    for _ in 0..4 {
        app.verify("ada", other_than(&code)).await.refused(401);
    }
    app.verify("ada", &code).await.done(200);
}

#[tokio::test]
async fn tries_at_the_same_time_are_all_counted() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    let code = app.mailbox.last().code();
    let wrong = other_than(&code);
    let tries = (0..8).map(|_| app.verify("ada", wrong));
    for answer in futures::future::join_all(tries).await {
        answer.problem(401, WRONG);
    }
    app.verify("ada", &code).await.problem(401, WRONG);
}

#[tokio::test]
async fn of_many_that_show_the_right_code_at_once_one_gets_in() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    let code = app.mailbox.last().code();
    let tries = (0..5).map(|_| app.verify("ada", &code));
    let answers = futures::future::join_all(tries).await;
    let count = |status: u16| {
        let same = answers.iter().filter(|answer| answer.status == status);
        same.count()
    };
    assert_eq!((count(200), count(401)), (1, 4));
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    app.wait(599);
    app.verify("ada", &app.mailbox.last().code())
        .await
        .done(200);

    app.ask_for("bob").await.done(202);
    let code = app.mailbox.last().code();
    app.wait(600);
    app.verify("bob", &code).await.problem(401, WRONG);
    // What has expired is not sent again.
    let body = json!({ "email": "bob@example.org" });
    app.post("/api/v1/auth/verifications/resend", &body)
        .await
        .done(204);
    assert!(app.mailbox.last().discard);
    app.verify("bob", &app.mailbox.last().code())
        .await
        .problem(401, WRONG);
}

#[tokio::test]
async fn a_code_is_for_its_address_and_its_purpose_alone() {
    let app = app().await;
    app.sign_up("eve").await;
    app.ask_for("ada").await.done(202);
    let ada = app.mailbox.last().code();
    let bob = loop {
        app.ask_for("bob").await.done(202);
        let bob = app.mailbox.last().code();
        if bob != ada {
            break bob;
        }
    };
    app.verify("bob", &ada).await.problem(401, WRONG);
    app.verify("ada", &bob).await.problem(401, WRONG);
    app.verify("nobody", &ada).await.problem(401, WRONG);
    // A sign-up's code sets no password, and the other way round.
    let reset = json!({ "email": "ada@example.org", "token": ada, "password": "another one" });
    let line = "/api/v1/auth/password-resets/confirm";
    app.post(line, &reset).await.problem(401, WRONG);
    let forgot = json!({ "email": "eve@example.org" });
    app.post("/api/v1/auth/password-resets", &forgot)
        .await
        .done(202);
    app.verify("eve", &app.mailbox.last().code())
        .await
        .problem(401, WRONG);
    app.verify("ada", &ada).await.done(200);
}

#[tokio::test]
async fn thirty_wrong_codes_from_an_address_and_right_ones_do_not_count() {
    let app = app().await;
    let verify = async |from: &str, name: &str, code: &str| {
        let headers = [("spin-client-addr", from)];
        let body = json!({ "email": format!("{name}@example.org"), "token": code });
        let line = "POST /api/v1/auth/verifications/verify";
        app.call_with(&headers, line, &body).await
    };
    for n in 0..29 {
        verify("192.0.2.1:1", &format!("n{n}"), "123456")
            .await
            .problem(401, WRONG);
    }
    app.ask_for("ada").await.done(202);
    let code = app.mailbox.last().code();
    verify("192.0.2.1:1", "ada", &code).await.done(200);
    verify("192.0.2.1:1", "n30", "123456").await.refused(401);
    app.ask_for("bob").await.done(202);
    let code = app.mailbox.last().code();
    let many = verify("192.0.2.1:9", "bob", &code).await;
    many.problem(429, "Too many tries. Wait before the next one");
    assert_eq!(many.header("retry-after"), "3600");
    verify("192.0.2.2:1", "bob", &code).await.done(200);
}

/// Shows a code for `name` from the address `from`: a sign-up's, or one for a new password.
async fn show(app: &Accounts, from: &str, (reset, name): (bool, &str), code: &str) -> Answer {
    let headers = [("spin-client-addr", from)];
    let mut body = json!({ "email": format!("{name}@example.org"), "token": code });
    let line = if reset {
        body["password"] = json!("another one");
        "POST /api/v1/auth/password-resets/confirm"
    } else {
        "POST /api/v1/auth/verifications/verify"
    };
    app.call_with(&headers, line, &body).await
}

/// Where letters are not what runs out.
async fn generous() -> Accounts {
    let own = [
        ("limit_letters_email", "1000"),
        ("limit_sign_ups_address", "1000"),
    ];
    Accounts::start(auth_component::router, &own).await
}

#[tokio::test]
async fn a_hundred_wrong_codes_a_day_for_one_address_and_purpose_whoever_shows_them() {
    for (reset, name) in [(false, "ada"), (true, "eve"), (true, "nobody")] {
        let app = generous().await;
        app.sign_up("eve").await;
        let ask = async || {
            if reset {
                let body = json!({ "email": format!("{name}@example.org") });
                let answer = app.post("/api/v1/auth/password-resets", &body).await;
                answer.done(202);
            } else {
                app.ask_for(name).await.done(202);
            }
            app.mailbox.last().code()
        };
        // Twenty codes, five tries each, all from different addresses.
        for n in 0..100 {
            if n % 5 == 0 {
                ask().await;
            }
            let wrong = other_than(&app.mailbox.last().code());
            let answer = show(&app, &format!("192.0.2.{n}:1"), (reset, name), wrong).await;
            answer.problem(401, WRONG);
        }
        let code = ask().await;
        let many = show(&app, "198.51.100.1:1", (reset, name), &code).await;
        many.problem(429, "Too many tries. Wait before the next one");
        let wait: u64 = many.header("retry-after").parse().unwrap();
        assert!((3_601..=86_400).contains(&wait), "{wait}");
        // The other purpose counts apart.
        let other = show(&app, "198.51.100.2:1", (!reset, name), "123456").await;
        other.problem(401, WRONG);
        app.wait(wait);
        let code = ask().await;
        let status = if name == "nobody" { 401 } else { 200 };
        let again = show(&app, "198.51.100.1:1", (reset, name), &code).await;
        assert_eq!(again.status.as_u16(), status, "{name}");
    }
}

#[tokio::test]
async fn a_right_code_and_one_that_is_refused_unjudged_do_not_count() {
    let app = generous().await;
    for n in 0..99 {
        let answer = show(&app, &format!("192.0.2.{n}:1"), (false, "ada"), "123456").await;
        answer.problem(401, WRONG);
    }
    app.sign_up("ada").await;
    let last = show(&app, "192.0.2.200:1", (false, "ada"), "123456").await;
    last.problem(401, WRONG);
    // More than an address may get wrong: none of it was judged.
    for _ in 0..31 {
        let refused = show(&app, "198.51.100.1:1", (false, "ada"), "123456").await;
        refused.refused(429);
    }
    let other = show(&app, "198.51.100.1:1", (false, "bob"), "123456").await;
    other.problem(401, WRONG);
}
