//! Mail is kept until it is sent or given up.

use crate::{
    admin::{ask, health},
    smtp_server::SmtpServer,
    stack::{self, Stack},
};
use sandbox_runner::{Config, mail};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

const LETTER: &str = r#"{"to": "ada@example.org", "subject": "Your code", "text": "123456\n"}"#;
const PASSWORD: &str = "p4ssw0rd";

/// Names of the files in a folder of the state folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn post(stack: &Stack, letter: &str) -> String {
    let answer = ask(stack, "POST /v1/mail", letter).await;
    assert_eq!(
        answer.status(),
        202,
        "{:?}",
        String::from_utf8_lossy(&answer.body)
    );
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Waits until nothing is queued, and returns what health says about mail then.
async fn emptied(stack: &Stack) -> Value {
    loop {
        let mail = health(stack).await["mail"].clone();
        if mail["queued"] == 0 {
            return mail;
        }
    }
}

fn by_smtp(server: &SmtpServer) -> impl FnOnce(&mut Config) + use<> {
    let url = format!("smtp://user:{PASSWORD}@{}", server.address);
    move |config| {
        config.mail = mail::Settings {
            carrier: mail::Carrier::Smtp(url.into()),
            from: "Atelier <codes@example.org>".to_owned(),
            retry: mail::Retry {
                waits: vec![Duration::ZERO],
                give_up: Duration::from_secs(60),
            },
        };
    }
}

#[tokio::test]
async fn without_a_server_it_goes_to_the_outbox() {
    let stack = Stack::start(stack::nowhere().await, |_| {}).await;
    let letter =
        json!({"to": "ada@example.org", "subject": "验证码 Bcc: x@y.z", "text": "代码\n."});
    let id = post(&stack, &letter.to_string()).await;
    assert_eq!(emptied(&stack).await["transport"], "outbox");
    let outbox = stack.state.path().join("outbox");
    assert_eq!(files(&outbox), [format!("{id}.eml")]);
    let eml = fs::read_to_string(outbox.join(format!("{id}.eml"))).unwrap();
    assert!(eml.contains("To: ada@example.org\r\n"), "{eml}");
    assert!(eml.contains("Subject: =?utf-8?b?"), "{eml}");
    assert!(!eml.contains("\r\nBcc:"), "{eml}");
    assert!(files(&stack.state.path().join("mail/sent")).is_empty());
}

#[tokio::test]
async fn a_server_gets_it() {
    let mut server = SmtpServer::start("NONE", &[]).await;
    let stack = Stack::start(stack::nowhere().await, by_smtp(&server)).await;
    let id = post(&stack, LETTER).await;
    let session = server.next().await;
    assert!(
        session.commands.contains("AUTH PLAIN "),
        "{}",
        session.commands
    );
    assert!(
        session.commands.contains("MAIL FROM:<codes@example.org>"),
        "{}",
        session.commands
    );
    assert!(
        session.commands.contains("RCPT TO:<ada@example.org>"),
        "{}",
        session.commands
    );
    let message = session.message.unwrap();
    assert!(message.contains("Subject: Your code\r\n"), "{message}");
    assert!(
        message.contains(&format!("Message-ID: <{id}@example.org>\r\n")),
        "{message}"
    );
    assert!(
        message.ends_with("\r\n\r\n123456\r\n\r\n.\r\n")
            || message.ends_with("\r\n\r\n123456\r\n.\r\n"),
        "{message}"
    );
    let mail = emptied(&stack).await;
    assert_eq!(
        mail,
        json!({ "queued": 0, "failed": 0, "transport": "smtp" })
    );
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again() {
    for (verb, refusals) in [
        ("RCPT", vec!["451 later", "421 busy"]),
        ("MAIL", vec!["450 mailbox busy"]),
        // About the settings, not about the message.
        ("AUTH", vec!["535 wrong password"]),
    ] {
        let mut server = SmtpServer::start(verb, &refusals).await;
        let stack = Stack::start(stack::nowhere().await, by_smtp(&server)).await;
        post(&stack, LETTER).await;
        for _ in &refusals {
            assert_eq!(server.next().await.message, None, "{verb}");
        }
        assert!(server.next().await.message.is_some(), "{verb}");
        assert_eq!(emptied(&stack).await["failed"], 0, "{verb}");
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_kept_as_failed() {
    let mut server = SmtpServer::start("RCPT", &["550 no such user"]).await;
    let stack = Stack::start(stack::nowhere().await, by_smtp(&server)).await;
    let id = post(&stack, LETTER).await;
    assert_eq!(server.next().await.message, None);
    let health = loop {
        let health = health(&stack).await;
        if health["mail"]["failed"] == 1 && files(&stack.state.path().join("mail/queue")).is_empty()
        {
            break health;
        }
    };
    assert!(!health.to_string().contains(PASSWORD));
    let kept = stack.state.path().join(format!("mail/failed/{id}.json"));
    let kept: Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    assert!(
        kept["fault"].as_str().unwrap().contains("no such user"),
        "{kept}"
    );
    // The next message is not held up by it.
    post(&stack, LETTER).await;
    assert!(server.next().await.message.is_some());
}

#[tokio::test]
async fn what_waits_when_the_runner_dies_is_sent_by_the_next() {
    let refusing = SmtpServer::start("RCPT", &["451 later"]).await;
    let dead = stack::nowhere().await;
    let first = Stack::start(dead, |config| {
        by_smtp(&refusing)(config);
        config.mail.retry.waits = vec![Duration::from_secs(3600)];
        config.mail.retry.give_up = Duration::from_secs(7200);
    })
    .await;
    let id = post(&first, LETTER).await;
    let queue = first.state.path().join("mail/queue");
    let file = queue.join(format!("{id}.json"));
    // As if the runner had died between taking the message and trying it.
    let mut waiting: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let Stack { runner, state } = first;
    runner.shutdown().await;
    waiting["due"] = json!(0);
    fs::write(&file, waiting.to_string()).unwrap();
    fs::write(queue.join("half.json.unfinished"), "{").unwrap();
    fs::write(queue.join("spoilt.json"), "{").unwrap();

    let mut server = SmtpServer::start("NONE", &[]).await;
    let second = Stack::start_in(state, dead, by_smtp(&server)).await;
    let message = server.next().await.message.unwrap();
    assert!(message.contains(&id), "{message}");
    assert_eq!(
        emptied(&second).await["failed"],
        1,
        "the spoilt file is kept, and counted"
    );
    assert_eq!(
        files(&second.state.path().join("mail/failed")),
        ["spoilt.json"]
    );
}

#[tokio::test]
async fn a_key_makes_a_message_once() {
    let mut server = SmtpServer::start("RCPT", &["451 later"]).await;
    let stack = Stack::start(stack::nowhere().await, by_smtp(&server)).await;
    let keyed =
        r#"{"to": "ada@example.org", "subject": "s", "text": "t", "idempotency_key": "k-1"}"#;
    let id = post(&stack, keyed).await;
    assert_eq!(post(&stack, keyed).await, id, "while it waits");
    server.next().await;
    assert!(server.next().await.message.is_some());
    emptied(&stack).await;
    assert_eq!(post(&stack, keyed).await, id, "after it was sent");
    let other = post(&stack, &keyed.replace("k-1", "k-2")).await;
    assert_ne!(other, id);
    assert!(
        server.next().await.message.unwrap().contains(&other),
        "nothing came between"
    );
}

#[tokio::test]
async fn what_is_to_be_discarded_is_taken_and_dropped() {
    let mut server = SmtpServer::start("NONE", &[]).await;
    let stack = Stack::start(stack::nowhere().await, by_smtp(&server)).await;
    let discarded = r#"{"to": "nobody@example.org", "subject": "s", "text": "t",
        "idempotency_key": "k-1", "discard": true}"#;
    let id = post(&stack, discarded).await;
    assert_eq!(emptied(&stack).await["failed"], 0);
    assert_eq!(post(&stack, discarded).await, id, "its key is remembered");
    let sent = post(&stack, LETTER).await;
    let message = server.next().await.message.unwrap();
    assert!(message.contains(&sent), "nothing came before: {message}");
    emptied(&stack).await;
    let mail = stack.state.path().join("mail");
    // The counts change before the files do.
    while !files(&mail.join("queue")).is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(files(&mail.join("failed")).is_empty());
    let metrics = ask(&stack, "GET /metrics", "").await;
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(text.contains("runner_mail_sent_total 1\n"), "{text}");
}

#[tokio::test]
async fn settings_that_cannot_work() {
    let check = async |change: &dyn Fn(&mut mail::Settings), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let token = sandbox_runner::Token::parse(stack::TOKEN).unwrap();
        let edge = stack::nowhere().await.into();
        let mut config = Config::local(edge, token, folder.path().to_owned());
        change(&mut config.mail);
        let error = sandbox_runner::Runner::start(config)
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains(PASSWORD), "{error}");
    };
    let smtp = |url: &str| mail::Carrier::Smtp(url.to_owned().into());
    check(&|mail| mail.from = "nobody".to_owned(), "sender").await;
    check(
        &|mail| mail.carrier = smtp("http://u:p4ssw0rd@h"),
        "smtp://",
    )
    .await;
    check(&|mail| mail.carrier = smtp("u:p4ssw0rd@h:25"), "smtp://").await;
    check(
        &|mail| mail.carrier = mail::Carrier::Outbox("/proc/none".into()),
        "/proc/none",
    )
    .await;
}
