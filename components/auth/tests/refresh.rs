//! Refresh tokens of `runtime`: rotation, repetition, theft.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_app::{Accounts, Answer};

const INVALID: &str = "The refresh token is invalid";
const REFRESH: &str = "/api/v1/auth/sessions/refresh";

/// An app, and the first refresh token of a login.
async fn start() -> (Accounts, String) {
    let app = Accounts::start(auth_component::router, &[]).await;
    let tokens = app.sign_up("ada").await;
    (app, refresh_token(&tokens))
}

fn refresh_token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

fn access_token(tokens: &Value) -> String {
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn refresh(app: &Accounts, token: &str) -> Answer {
    app.post(REFRESH, &json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn each_use_gives_a_successor() {
    let (app, first) = start().await;
    let answer = refresh(&app, &first).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut tokens = answer.done(200);
    let mut seen = BTreeSet::from([first]);
    for _ in 0..5 {
        assert_eq!(tokens["expires_in"], 3600);
        assert!(app.is_good(&access_token(&tokens)).await);
        let token = refresh_token(&tokens);
        app.wait(60);
        tokens = refresh(&app, &token).await.done(200);
        assert!(seen.insert(token), "a token came twice");
    }
}

#[tokio::test]
async fn a_used_token_gives_the_same_successor_for_ten_seconds() {
    let (app, first) = start().await;
    let second = refresh_token(&refresh(&app, &first).await.done(200));
    app.wait(10);
    let again = refresh_token(&refresh(&app, &first).await.done(200));
    assert_eq!(second, again);
    refresh(&app, &second).await.done(200);
}

#[tokio::test]
async fn a_used_token_that_comes_later_ends_the_login() {
    let (app, first) = start().await;
    let tokens = refresh(&app, &first).await.done(200);
    app.wait(11);
    assert!(app.is_good(&access_token(&tokens)).await);
    refresh(&app, &first).await.problem(401, INVALID);
    assert!(!app.is_good(&access_token(&tokens)).await);
    refresh(&app, &refresh_token(&tokens))
        .await
        .problem(401, INVALID);
    refresh(&app, &first).await.problem(401, INVALID);
}

#[tokio::test]
async fn a_token_of_long_ago_ends_the_login_even_at_once() {
    let (app, first) = start().await;
    let second = refresh_token(&refresh(&app, &first).await.done(200));
    let third = refresh_token(&refresh(&app, &second).await.done(200));
    let fourth = refresh_token(&refresh(&app, &third).await.done(200));
    refresh(&app, &first).await.problem(401, INVALID);
    refresh(&app, &fourth).await.problem(401, INVALID);
}

#[tokio::test]
async fn twenty_at_once_leave_one_live_line() {
    let (app, first) = start().await;
    let uses = (0..20).map(|_| refresh(&app, &first));
    let answers = join_all(uses).await;
    let successors = answers
        .iter()
        .map(|answer| refresh_token(&answer.done(200)));
    let successors: BTreeSet<String> = successors.collect();
    assert_eq!(successors.len(), 1);
    app.wait(60);
    let live = successors.first().unwrap();
    let next = refresh_token(&refresh(&app, live).await.done(200));
    assert_ne!(&next, live);
    let logins = app.sql("SELECT generation FROM logins", vec![]).await;
    assert_eq!((logins.len(), logins[0].get::<i64>(0)), (1, Ok(2)));
}

#[tokio::test]
async fn a_login_lasts_thirty_days_from_its_last_refresh() {
    const DAY: u64 = 24 * 60 * 60;
    let (app, first) = start().await;
    app.wait(30 * DAY - 1);
    let second = refresh_token(&refresh(&app, &first).await.done(200));
    app.wait(30 * DAY - 1);
    let third = refresh_token(&refresh(&app, &second).await.done(200));
    app.wait(30 * DAY);
    refresh(&app, &third).await.problem(401, INVALID);
}

#[tokio::test]
async fn deleting_ends_the_login_and_an_unknown_token_is_no_error() {
    let (app, first) = start().await;
    let other = app.sign_up("bob").await;
    let tokens = refresh(&app, &first).await.done(200);
    let delete = async |token: &str| {
        let body = json!({ "refresh_token": token });
        let answer = app.call("DELETE /api/v1/auth/sessions", &body).await;
        answer.done(204);
        assert_eq!(answer.text, "");
    };
    delete("nonsense").await;
    delete(&format!("{first}x")).await;
    assert!(app.is_good(&access_token(&tokens)).await);
    delete(&refresh_token(&tokens)).await;
    assert!(!app.is_good(&access_token(&tokens)).await);
    refresh(&app, &refresh_token(&tokens))
        .await
        .problem(401, INVALID);
    delete(&refresh_token(&tokens)).await;
    assert!(app.is_good(&access_token(&other)).await);
}

#[tokio::test]
async fn what_is_no_refresh_token() {
    let (app, first) = start().await;
    let access = app.token(test_app::Way::Runtime, "ada").await;
    let flipped = first.replacen(first.chars().nth(9).unwrap(), "-", 1);
    for token in [
        "x",
        "rt_",
        &first[3..],
        &access,
        &flipped,
        &first.to_uppercase(),
    ] {
        refresh(&app, token).await.problem(401, INVALID);
    }
    // None of these ended anything.
    refresh(&app, &first).await.done(200);
}
