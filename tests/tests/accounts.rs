//! Accounts: signed up by mail, refused everywhere once signed out, and a flood of logins.

use http::{Request, request};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{
    Answer, Client, Stack, client::upgrading, mailbox::Mailbox, stack::State, traces::file_with,
};

const VERIFICATIONS: &str = "/api/v1/auth/verifications";

async fn with_mail() -> (Stack, Mailbox) {
    let mailbox = Mailbox::start();
    let stack = Stack::start_with(State::new(), Some(mailbox.address)).await;
    (stack, mailbox)
}

/// Signs `name` up and in; the tokens.
async fn sign_up(door: Client, mailbox: &Mailbox, name: &str) -> Value {
    let email = format!("{name}@example.org");
    let wanted = json!({ "username": name, "email": email, "password": "correct horse" });
    let accepted = door.post(VERIFICATIONS, &wanted).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let code = mailbox.code(&email, 1).await;
    let verified = verify(door, &email, &code).await;
    assert_eq!(verified.status, 200, "{}", verified.text());
    verified.json()
}

async fn verify(door: Client, email: &str, code: &str) -> Answer {
    let body = json!({ "email": email, "token": code });
    door.post(&format!("{VERIFICATIONS}/verify"), &body).await
}

async fn send(door: Client, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    let request = for_path(request, path);
    door.send(request, body.to_string()).await
}

/// The request, asking for a socket where the path is one's.
fn for_path(request: request::Builder, path: &str) -> request::Builder {
    let is_socket = path.starts_with("/api/sessions/") && path.ends_with("/events");
    match is_socket {
        true => upgrading(request),
        false => request,
    }
}

fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test]
async fn a_sign_up_goes_by_mail() {
    let (stack, mailbox) = with_mail().await;
    let door = stack.door();
    let email = "ada@example.org";
    let wanted = json!({ "username": "ada", "email": email, "password": "correct horse" });
    let accepted = door.post(VERIFICATIONS, &wanted).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let first = mailbox.code(email, 1).await;
    let resend = json!({ "email": email });
    let sent = door.post(&format!("{VERIFICATIONS}/resend"), &resend).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    let second = mailbox.code(email, 2).await;
    // A resend voids the code before; of a million codes, two may be the same.
    if first != second {
        assert_eq!(verify(door, email, &first).await.status, 401);
    }
    for _ in 0..3 {
        assert_eq!(verify(door, email, &another(&second)).await.status, 401);
    }
    let verified = verify(door, email, &second).await;
    assert_eq!(verified.status, 200, "{}", verified.text());
    assert_eq!(verify(door, email, &second).await.status, 401);
    let token = verified.json()["access_token"].as_str().unwrap().to_owned();
    let me = send(door, "GET", "/api/v1/users/me", &token, &Value::Null).await;
    assert_eq!(me.json()["username"], "ada");
    stack.stop().await;
}

#[tokio::test]
async fn the_sixth_try_of_a_code_is_refused_though_it_is_right() {
    let (stack, mailbox) = with_mail().await;
    let door = stack.door();
    let email = "bob@example.org";
    let wanted = json!({ "username": "bob", "email": email, "password": "correct horse" });
    door.post(VERIFICATIONS, &wanted).await;
    let code = mailbox.code(email, 1).await;
    for _ in 0..5 {
        assert_eq!(verify(door, email, &another(&code)).await.status, 401);
    }
    assert_eq!(verify(door, email, &code).await.status, 401);
    stack.stop().await;
}

#[tokio::test]
async fn twenty_refreshes_at_once_leave_one_live_line() {
    let (stack, mailbox) = with_mail().await;
    let door = stack.door();
    let tokens = sign_up(door, &mailbox, "ada").await;
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let refresh = || door.post("/api/v1/auth/sessions/refresh", &body);
    let answers = futures::future::join_all((0..20).map(|_| refresh())).await;
    let successors: BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()["refresh_token"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(successors.len(), 1);
    let generation: i64 = stack
        .state
        .sql()
        .query_row("SELECT generation FROM logins", [], |row| row.get(0))
        .unwrap();
    assert_eq!(generation, 1);
    stack.stop().await;
}

/// Operations that need no login, as the documents have them; all others need one.
const OPEN: [&str; 27] = [
    "get /api/health",
    "get /api/login/status",
    "get /api/openapi.json",
    "get /api/v1/auth/me",
    "get /api/v1/conversations/{conversation_id}",
    "get /api/v1/health",
    "get /api/v1/infra/health",
    "get /api/v1/files/avatar/{key}",
    "get /api/v1/files/stored/{key}/content",
    "get /api/v1/users/{user_id}/conversations",
    "get /api/v1/users/{username}",
    "delete /api/v1/auth/sessions",
    "post /api/login",
    "post /api/v1/auth/login",
    "post /api/v1/auth/password-resets",
    "post /api/v1/auth/password-resets/confirm",
    "post /api/v1/auth/sessions",
    "post /api/v1/auth/sessions/refresh",
    "post /api/v1/auth/verifications",
    "post /api/v1/auth/verifications/resend",
    "post /api/v1/auth/verifications/verify",
    "post /api/v1/chat",
    "post /api/v1/chat/",
    "post /api/v1/conversations",
    "post /api/v1/conversations/",
    "post /api/v1/users",
    "post /api/v1/users/",
];

#[tokio::test]
async fn a_token_that_was_signed_out_is_refused_on_every_protected_path() {
    let (stack, mailbox) = with_mail().await;
    let door = stack.door();
    let tokens = sign_up(door, &mailbox, "ada").await;
    let token = tokens["access_token"].as_str().unwrap();
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let out = Request::delete("/api/v1/auth/sessions").header("content-type", "application/json");
    assert_eq!(door.send(out, body.to_string()).await.status, 204);
    let document = door.get("/api/openapi.json").await.json();
    let mut protected = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let asked = path
            .split('/')
            .map(|segment| match segment.strip_prefix('{') {
                Some("username}") => "nobody",
                Some("id}" | "user_id}" | "conversation_id}" | "number}") => "1",
                Some(_) => "00000000-0000-7000-8000-000000000000",
                None => segment,
            })
            .collect::<Vec<_>>()
            .join("/");
        for method in methods.as_object().unwrap().keys() {
            if OPEN.contains(&format!("{method} {path}").as_str()) {
                continue;
            }
            protected += 1;
            let answer = send(door, &method.to_uppercase(), &asked, token, &json!({})).await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
            let problem = answer.json();
            for member in ["type", "title", "status", "detail", "instance"] {
                assert!(!problem[member].is_null(), "{method} {path}: {member}");
            }
            let stranger = Request::builder().method(method.to_uppercase().as_str());
            let stranger = stranger
                .header("content-type", "application/json")
                .uri(&asked);
            let answer = door.send(for_path(stranger, &asked), "{}").await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        }
    }
    assert!(protected >= 17, "{protected}");
    let me = format!("/api/v1/auth/me?token={token}");
    assert_eq!(door.get(&me).await.status, 401);
    let status = send(door, "GET", "/api/login/status", token, &Value::Null).await;
    assert_eq!(status.json()["authenticated"], false);
    stack.stop().await;
}

#[tokio::test]
async fn a_flood_of_logins_is_answered_and_others_too() {
    let (stack, _mailbox) = with_mail().await;
    let door = stack.door();
    let login = |number: usize| {
        let body = json!({ "email": format!("a{number}@example.org"), "password": "wrong horse" });
        async move { door.post("/api/v1/auth/sessions", &body).await.status }
    };
    let flood = futures::future::join_all((0..200).map(login));
    let health = async {
        let mut answers = Vec::new();
        for _ in 0..50 {
            answers.push(door.get("/api/v1/health").await.status);
        }
        answers
    };
    let (statuses, healths) = tokio::join!(flood, health);
    assert!(healths.iter().all(|status| *status == 200), "{healths:?}");
    // From one address 50 wrong ones are judged in a quarter of an hour.
    let count = |status: u16| statuses.iter().filter(|at| **at == status).count();
    assert_eq!(count(401) + count(429), 200, "{statuses:?}");
    assert!(count(401) <= 100 && count(401) >= 50, "{statuses:?}");
    stack.stop().await;
}

#[tokio::test]
async fn no_secret_is_written_anywhere() {
    let (stack, mailbox) = with_mail().await;
    let door = stack.door();
    let tokens = sign_up(door, &mailbox, "ada").await;
    let access = tokens["access_token"].as_str().unwrap();
    let key = send(
        door,
        "POST",
        "/api/v1/users/me/api-keys",
        access,
        &json!({ "name": "laptop", "password": "correct horse" }),
    )
    .await;
    assert_eq!(key.status, 201, "{}", key.text());
    let key = key.json()["key"].as_str().unwrap().to_owned();
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let state = stack.stop().await;
    for secret in ["correct horse", access, &refresh, &key] {
        assert_eq!(file_with(&state.edge(), secret), None, "{secret}");
    }
}
