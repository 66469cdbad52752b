//! Signing up: the answers, the letters, the links, and what is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, PASSWORD};

const ASK: &str = "POST /api/v1/auth/verifications";
const RESEND: &str = "/api/v1/auth/verifications/resend";

async fn app() -> Accounts {
    Accounts::start(auth_component::router, &[]).await
}

fn ada() -> Value {
    json!({ "username": "ada", "email": "Ada@Example.org", "password": PASSWORD })
}

#[tokio::test]
async fn an_account_is_made_when_its_code_comes_back() {
    let app = app().await;
    let asked = app.call(ASK, &ada()).await;
    assert_eq!(asked.done(202), json!({ "email": "ada@example.org" }));
    let accounts = "SELECT COUNT(*) FROM users";
    assert_eq!(app.sql(accounts, vec![]).await[0].get::<i64>(0), Ok(0));

    let letter = app.mailbox.last();
    assert_eq!(
        (letter.to.as_str(), letter.discard),
        ("ada@example.org", false)
    );
    let code = letter.code();
    let verified = app.verify("ada", &code).await;
    assert_eq!(verified.header("cache-control"), "no-store");
    let tokens = verified.done(200);
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["user"]["email"], "ada@example.org");
    let token = tokens["access_token"].as_str().unwrap();
    let line = "GET /api/v1/auth/me";
    let me = app.call_as(token, line, &Value::Null).await.done(200);
    assert_eq!(me["id"], tokens["user"]["id"]);
    assert_eq!(me["username"], "ada");
    assert_eq!(me["role"], "USER");

    let again = app.verify("ada", &code).await;
    again.problem(401, "The code is wrong or has expired");
}

#[tokio::test]
async fn neither_the_password_nor_the_code_is_stored() {
    let app = app().await;
    app.ask_for("ada").await.done(202);
    let code = app.mailbox.last().code();
    let select = "SELECT password_hash, code_hash FROM verifications";
    let row = app.sql(select, vec![]).await.remove(0);
    let (password, kept): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
    assert!(password.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(!kept.contains(&code) && kept.len() >= 43, "{kept}");
}

#[tokio::test]
async fn the_letter_is_in_the_language_of_its_reader() {
    let app = app().await;
    let check = async |language: &str, name: &str, subject: &str| {
        let body = json!({
            "username": name, "email": format!("{name}@example.org"), "password": PASSWORD,
        });
        let headers = [("accept-language", language)];
        app.call_with(&headers, ASK, &body).await.done(202);
        let letter = app.mailbox.last();
        assert!(letter.subject.ends_with(subject), "{letter:?}");
        assert!(letter.subject.starts_with(&letter.code()), "{letter:?}");
        assert!(letter.text.contains(name), "{letter:?}");
    };
    check("en-GB,zh;q=0.5", "english", "is your Atelier code").await;
    check("zh-CN,en;q=0.5", "chinese", "是您的 Atelier 验证码").await;
    check("de", "german", "is your Atelier code").await;
}

#[tokio::test]
async fn a_letter_leads_to_allowed_origins_alone_and_the_code_stands_in_the_fragment() {
    let own = [
        ("public_url", "https://atelier.example"),
        ("cors_origins", "https://app.example,http://localhost:5173"),
        ("limit_sign_ups_address", "100"),
        ("limit_letters_email", "100"),
    ];
    let app = Accounts::start(auth_component::router, &own).await;
    let ask = async |url: &str| {
        let mut body = ada();
        body["redirect_to"] = json!(url);
        app.call(ASK, &body).await
    };
    for url in [
        "https://atelier.example/confirm",
        "https://atelier.example:443/confirm?next=%2F#old",
        "HTTPS://App.Example",
        "http://localhost:5173/x?y=z",
    ] {
        ask(url).await.done(202);
        let letter = app.mailbox.last();
        let page = url.split('#').next().unwrap();
        let code = letter.code();
        let link = format!("    {page}#email=ada%40example.org&token={code}\n");
        assert!(letter.text.contains(&link), "{}", letter.text);
    }
    let sent = app.mailbox.letters().len();
    for url in [
        "",
        "/confirm",
        "//atelier.example/confirm",
        "http://atelier.example/confirm",
        "https://atelier.example:8443/",
        "https://atelier.example.evil.example/",
        "https://evil.example/https://atelier.example/",
        "https://evil.example#https://atelier.example/",
        "https://atelier.example@evil.example/",
        "https://atelier.example:443@evil.example/",
        "https://evil.example\\@atelier.example/",
        "https://atelier.example/ https://evil.example/",
        "https://atelier.example/\nhttps://evil.example/",
        "https://sub.app.example/",
        "http://localhost:5174/",
        "http://127.0.0.1:3000/",
        "javascript://atelier.example/%0aalert(1)",
        "data:text/html,x",
        "null",
    ] {
        let refused = ask(url).await;
        refused.refused(422);
        assert_eq!(refused.fields(), ["redirect_to"], "{url}");
    }
    assert_eq!(app.mailbox.letters().len(), sent);
}

#[tokio::test]
async fn a_known_address_gets_another_letter_and_the_same_answer() {
    let app = app().await;
    app.sign_up("ada").await;
    let unknown = app.ask_for("bob").await;
    let mut body = ada();
    body["username"] = json!("ada_again");
    let known = app.call(ASK, &body).await;
    assert_eq!(known.done(202), json!({ "email": "ada@example.org" }));
    assert_eq!(unknown.done(202), json!({ "email": "bob@example.org" }));
    let names = |headers: &http::HeaderMap| headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&known.headers), names(&unknown.headers));
    let letter = app.mailbox.last();
    assert_eq!(letter.subject, "You already have an Atelier account");
    assert_eq!(
        (letter.to.as_str(), letter.discard),
        ("ada@example.org", false)
    );
    assert_eq!(letter.code(), "");
    // No code was made that could be guessed.
    let rows = "SELECT COUNT(*) FROM verifications WHERE email = 'ada@example.org'";
    assert_eq!(app.sql(rows, vec![]).await[0].get::<i64>(0), Ok(0));
}

#[tokio::test]
async fn a_taken_name_is_told_at_once_and_again_when_it_was_taken_meanwhile() {
    let app = app().await;
    app.sign_up("ada").await;
    let mut body = ada();
    body["username"] = json!("ADA");
    body["email"] = json!("other@example.org");
    let taken = app.call(ASK, &body).await;
    assert_eq!(taken.refused(422)["errors"][0]["message"], "is taken");
    assert_eq!(taken.fields(), ["username"]);

    body["username"] = json!("Wanted");
    body["email"] = json!("wanted@example.org");
    app.call(ASK, &body).await.done(202);
    let first = app.mailbox.last().code();
    body["username"] = json!("wanted");
    body["email"] = json!("second@example.org");
    app.call(ASK, &body).await.done(202);
    let second = app.mailbox.last().code();
    app.verify("second", &second).await.done(200);
    let late = app.verify("wanted", &first).await;
    late.refused(422);
    assert_eq!(late.fields(), ["username"]);
}

#[tokio::test]
async fn a_code_that_is_sent_again_voids_the_one_before() {
    let app = app().await;
    let ada = json!({ "email": "ada@example.org" });
    let mut body = self::ada();
    body["redirect_to"] = json!("http://127.0.0.1:3000/confirm");
    app.call(ASK, &body).await.done(202);
    let old = app.mailbox.last().code();
    app.post(RESEND, &ada).await.done(204);
    let letter = app.mailbox.last();
    let new = letter.code();
    let link = format!("http://127.0.0.1:3000/confirm#email=ada%40example.org&token={new}");
    assert!(letter.text.contains(&link) && letter.text.contains("ada"));
    if old != new {
        app.verify("ada", &old).await.refused(401);
    }
    app.verify("ada", &new).await.done(200);
}

#[tokio::test]
async fn a_code_is_sent_again_once_a_minute_and_five_times_an_hour() {
    let app = app().await;
    for name in ["ada", "nobody"] {
        let body = json!({ "email": format!("{name}@example.org") });
        if name == "ada" {
            app.ask_for(name).await.done(202);
        }
        let sent = app.post(RESEND, &body).await;
        assert_eq!((sent.status.as_u16(), sent.text.as_str()), (204, ""));
        // Where nobody waits for it, the runner throws it away.
        assert_eq!(app.mailbox.last().discard, name == "nobody");
        let soon = app.post(RESEND, &body).await;
        soon.problem(429, "Too many tries. Wait before the next one");
        assert_eq!(soon.header("retry-after"), "60");
        for _ in 0..4 {
            app.wait(60);
            app.post(RESEND, &body).await.done(204);
        }
        app.wait(60);
        let often = app.post(RESEND, &body).await;
        often.refused(429);
        let wait: u64 = often.header("retry-after").parse().unwrap();
        assert!(wait > 60, "{wait}");
        app.wait(wait);
        app.post(RESEND, &body).await.done(204);
    }
}

#[tokio::test]
async fn sign_ups_are_counted_by_address_and_by_reader() {
    let app = app().await;
    let ask = async |from: &str, name: &str, email: &str| {
        let headers = [("spin-client-addr", from)];
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        app.call_with(&headers, ASK, &body).await
    };
    for n in 0..10 {
        let email = format!("n{n}@example.org");
        ask("192.0.2.1:1", &format!("name{n}"), &email)
            .await
            .done(202);
    }
    let more = ask("192.0.2.1:2", "name10", "n10@example.org").await;
    more.problem(429, "Too many tries. Wait before the next one");
    assert_eq!(more.header("retry-after"), "3600");
    for n in 0..5 {
        let from = format!("198.51.100.{n}:1");
        ask(&from, "reader", "Reader@example.org").await.done(202);
    }
    let letters = app.mailbox.letters().len();
    ask("203.0.113.1:1", "reader", "reader@example.org")
        .await
        .refused(429);
    assert_eq!(app.mailbox.letters().len(), letters);
}

#[tokio::test]
async fn codes_sent_again_are_counted_by_address() {
    let app = app().await;
    let resend = async |from: &str, name: &str| {
        let headers = [("spin-client-addr", from)];
        let body = json!({ "email": format!("{name}@example.org") });
        app.call_with(&headers, &format!("POST {RESEND}"), &body)
            .await
    };
    for n in 0..10 {
        resend("192.0.2.1:1", &format!("n{n}")).await.done(204);
    }
    let letters = app.mailbox.letters().len();
    let more = resend("192.0.2.1:2", "n10").await;
    more.problem(429, "Too many tries. Wait before the next one");
    assert_eq!(more.header("retry-after"), "3600");
    assert_eq!(app.mailbox.letters().len(), letters);
    // What was refused is not counted for its reader, and not as a sign-up.
    resend("192.0.2.2:1", "n10").await.done(204);
    let headers = [("spin-client-addr", "192.0.2.1:1")];
    let body = json!({ "username": "ada", "email": "ada@example.org", "password": PASSWORD });
    app.call_with(&headers, ASK, &body).await.done(202);
}
