//! One's own logins: listed, ended.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, Way};

const LOGINS: &str = "/api/v1/auth/logins";

async fn app() -> Accounts {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    app
}

async fn list(app: &Accounts, token: &str) -> Vec<Value> {
    let line = format!("GET {LOGINS}");
    let answer = app.call_as(token, &line, &Value::Null).await;
    let list = answer.done(200).as_array().unwrap().clone();
    assert_eq!(answer.header("x-total-count"), list.len().to_string());
    list
}

/// The id of the login that asks.
async fn own(app: &Accounts, token: &str) -> String {
    let list = list(app, token).await;
    let mut current = list.iter().filter(|login| login["current"] == true);
    let id = current.next().unwrap()["id"].as_str().unwrap().to_owned();
    assert!(current.next().is_none());
    id
}

async fn end(app: &Accounts, token: &str, id: &str) -> test_app::Answer {
    app.call_as(token, &format!("DELETE {LOGINS}/{id}"), &Value::Null)
        .await
}

#[tokio::test]
async fn the_list_says_where_and_when() {
    let app = app().await;
    app.wait(5);
    let (line, body) = Way::Studio.request("ada", test_app::PASSWORD);
    let headers = [
        ("user-agent", "Firefox"),
        ("spin-client-addr", "192.0.2.1:4711"),
    ];
    let answer = app.call_with(&headers, line, &body).await.done(200);
    let token = Way::Studio.token_of(&answer);
    let list = list(&app, &token).await;
    assert_eq!(list.len(), 2, "{list:?}");
    let expected = json!({
        "id": list[0]["id"], "audience": "studio", "current": true, "user_agent": "Firefox",
        "address": "192.0.2.1", "created_at": "2027-01-15T08:00:05.000Z",
        "last_used_at": "2027-01-15T08:00:05.000Z", "expires_at": "2027-01-22T09:00:05.000Z",
    });
    assert_eq!(list[0], expected);
    assert_eq!(list[1]["audience"], "runtime");
    assert_eq!(list[1]["current"], false);
    assert_eq!(
        (&list[1]["user_agent"], &list[1]["address"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn it_comes_in_parts() {
    let app = app().await;
    let mut token = String::new();
    for _ in 0..4 {
        token = app.token(Way::Workspace, "ada").await;
    }
    let all = list(&app, &token).await;
    for (query, from, to) in [
        ("limit=2", 0, 2),
        ("limit=2&offset=2", 2, 4),
        ("offset=4", 4, 5),
        ("offset=9", 5, 5),
    ] {
        let line = format!("GET {LOGINS}?{query}");
        let answer = app.call_as(&token, &line, &Value::Null).await;
        assert_eq!(
            answer.done(200).as_array().unwrap(),
            &all[from..to],
            "{query}"
        );
        assert_eq!(answer.header("x-total-count"), "5");
    }
    for query in ["limit=x", "limit=-1", "offset=-1"] {
        let line = format!("GET {LOGINS}?{query}");
        let answer = app.call_as(&token, &line, &Value::Null).await;
        answer.refused(422);
        let name = query.split('=').next().unwrap();
        assert_eq!(answer.fields(), [format!("query.{name}")]);
    }
}

#[tokio::test]
async fn one_is_ended_and_is_not_listed_any_more() {
    let app = app().await;
    let here = app.token(Way::Studio, "ada").await;
    let there = app.token(Way::CodexByName, "ada").await;
    let id = own(&app, &there).await;
    let answer = end(&app, &here, &id).await;
    answer.done(204);
    assert!(!app.is_good(&there).await);
    assert!(app.is_good(&here).await);
    assert!(
        list(&app, &here)
            .await
            .iter()
            .all(|login| login["id"] != id.as_str())
    );
    end(&app, &here, &id).await.problem(404, "Login not found");
    // One's own may be ended too.
    let id = own(&app, &here).await;
    end(&app, &here, &id).await.done(204);
    assert!(!app.is_good(&here).await);
}

#[tokio::test]
async fn somebody_elses_is_not_found() {
    let app = app().await;
    app.sign_up("eve").await;
    let ada = app.token(Way::Runtime, "ada").await;
    let eve = app.token(Way::Runtime, "eve").await;
    let id = own(&app, &ada).await;
    for id in [
        id.as_str(),
        "00000000-0000-7000-8000-000000000000",
        "1",
        "x",
        "..%2fx",
    ] {
        end(&app, &eve, id).await.problem(404, "Login not found");
    }
    assert!(app.is_good(&ada).await);
    assert!(
        list(&app, &eve)
            .await
            .iter()
            .all(|login| login["id"] != id.as_str())
    );
}

#[tokio::test]
async fn all_others_are_ended() {
    let app = app().await;
    let eve = Way::Runtime.token_of(&app.sign_up("eve").await);
    let mut tokens = Vec::new();
    for way in Way::ALL {
        tokens.push(app.token(way, "ada").await);
    }
    let here = tokens.remove(2);
    let line = format!("DELETE {LOGINS}");
    app.call_as(&here, &line, &Value::Null).await.done(204);
    for token in tokens {
        assert!(!app.is_good(&token).await);
    }
    assert!(app.is_good(&here).await && app.is_good(&eve).await);
    assert_eq!(list(&app, &here).await.len(), 1);
}

#[tokio::test]
async fn what_has_expired_is_not_listed_and_is_swept_later() {
    let app = app().await;
    app.token(Way::Workspace, "ada").await;
    app.wait(24 * 60 * 60);
    let token = app.token(Way::Runtime, "ada").await;
    let list = list(&app, &token).await;
    assert!(
        list.iter().all(|login| login["audience"] == "runtime"),
        "{list:?}"
    );
    let sweep = "POST /internal/sweep";
    app.call(sweep, &Value::Null).await.refused(401);
    app.call_as(&token, sweep, &Value::Null).await.refused(401);
    app.wait(70 * 24 * 60 * 60);
    let swept = app
        .call_as("a-token-for-tests", sweep, &Value::Null)
        .await
        .done(200);
    assert!(
        swept["rows"].as_i64() >= Some(3) && swept["counters"].as_i64() >= Some(1),
        "{swept}"
    );
    let keys = app.platform.key_value.keys("limit/").await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}
