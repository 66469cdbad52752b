//! Section 5 of the `studio` document, as far as it needs no agent.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{message, start};
use serde_json::{Value, json};
use test_app::{Accounts, Way};

const SESSIONS: &str = "/api/v1/sessions";

async fn app() -> (Accounts, String, String) {
    let (app, _, _) = start(&[]).await;
    let ada = app.token(Way::Studio, "ada").await;
    let eve = app.token(Way::Studio, "eve").await;
    (app, ada, eve)
}

async fn get(app: &Accounts, token: &str, path: &str) -> test_app::Answer {
    app.call_as(token, &format!("GET {path}"), &Value::Null)
        .await
}

async fn create(app: &Accounts, token: &str, body: &Value) -> i64 {
    let line = format!("POST {SESSIONS}");
    let made = app.call_as(token, &line, body).await.done(200);
    assert_eq!(
        (&made["code"], &made["message"]),
        (&json!(200), &json!("success"))
    );
    made["data"]["id"].as_i64().unwrap()
}

#[tokio::test]
async fn sessions_in_an_envelope_and_by_number() {
    let (app, ada, eve) = app().await;
    let first = create(&app, &ada, &json!({"title": "Sky"})).await;
    let second = create(&app, &ada, &Value::Null).await;
    create(&app, &eve, &json!({})).await;
    message(&app, second, 1, "user", "Draw a cat").await;
    message(&app, second, 2, "assistant", "Which one?\nBlack?").await;
    app.sql(
        "INSERT INTO messages (uuid, session_id, role, content, status, lease_until, created_at) \
         VALUES ('x', ?1, 'assistant', 'not yet', 'answering', ?2, ?3)",
        vec![second.into(), i64::MAX.into(), (test_app::NOW + 2).into()],
    )
    .await;
    let answer = get(&app, &ada, SESSIONS).await;
    assert_eq!(answer.header("x-total-count"), "2");
    let expected = json!([
        { "id": second, "title": "Draw a cat", "workflowId": null, "status": "RUNNING",
          "lastMessageSummary": "Which one?", "updatedAt": "2027-01-15T08:00:00.002Z" },
        { "id": first, "title": "Sky", "workflowId": null, "status": "IDLE",
          "lastMessageSummary": null, "updatedAt": "2027-01-15T08:00:00.000Z" },
    ]);
    assert_eq!(answer.done(200)["data"], expected);
    let path = format!("{SESSIONS}/{second}/messages");
    let answer = get(&app, &ada, &path).await;
    let expected = json!([
        { "id": 1, "role": "user", "content": "Draw a cat", "status": "complete",
          "createdAt": "2027-01-15T08:00:00.001Z" },
        { "id": 2, "role": "assistant", "content": "Which one?\nBlack?", "status": "complete",
          "createdAt": "2027-01-15T08:00:00.002Z" },
    ]);
    assert_eq!(answer.done(200)["data"], expected);
    assert_eq!(answer.header("x-total-count"), "2");
    let refused = get(&app, &eve, &path)
        .await
        .problem(404, "Session not found");
    assert_eq!(
        (&refused["code"], &refused["data"]),
        (&json!(404), &Value::Null)
    );
}

#[tokio::test]
async fn neither_contract_shows_the_others_sessions() {
    let (app, ada, _) = app().await;
    let workspace = app.token(Way::Workspace, "ada").await;
    let studio_id = create(&app, &ada, &json!({})).await;
    let line = format!("POST {SESSIONS}");
    let made = app.call_as(&workspace, &line, &Value::Null).await;
    let uuid = made.done(201)["id"].as_str().unwrap().to_owned();
    let list = get(&app, &ada, SESSIONS).await.done(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let list = get(&app, &workspace, SESSIONS).await.done(200);
    assert_eq!(list.as_array().unwrap().len(), 1);
    get(&app, &ada, &format!("{SESSIONS}/{uuid}/messages"))
        .await
        .refused(404);
    get(
        &app,
        &workspace,
        &format!("{SESSIONS}/{studio_id}/messages"),
    )
    .await
    .refused(404);
    get(&app, &workspace, &format!("{SESSIONS}/{studio_id}"))
        .await
        .refused(404);
    // What the document has no words for, a token of `studio` does in those of `workspace`.
    let line = format!("DELETE {SESSIONS}/{studio_id}");
    app.call_as(&workspace, &line, &Value::Null)
        .await
        .refused(404);
    app.call_as(&ada, &line, &Value::Null).await.done(204);
}

#[tokio::test]
async fn workflows_are_named_by_number() {
    let (app, ada, _) = app().await;
    create(&app, &ada, &json!({"workflowId": null})).await;
    let line = format!("POST {SESSIONS}");
    app.call_as(&ada, &line, &json!({"workflowId": 1}))
        .await
        .problem(404, "Workflow not found");
    let answer = app.call_as(&ada, &line, &json!({"workflowId": "1"})).await;
    answer.refused(400);
    assert_eq!(answer.fields(), ["workflowId"]);
    let answer = get(&app, &ada, &format!("{SESSIONS}?workflowId=1")).await;
    assert_eq!(answer.done(200)["data"], json!([]));
    assert_eq!(answer.header("x-total-count"), "0");
    let answer = get(&app, &ada, &format!("{SESSIONS}?workflowId=x")).await;
    answer.refused(400);
    assert_eq!(answer.fields(), ["query.workflowId"]);
    // What is left empty is as if it were not there; parts are those of all lists of `studio`.
    for query in ["workflowId=", "limit=&offset=", "limit=200"] {
        let answer = get(&app, &ada, &format!("{SESSIONS}?{query}")).await;
        assert_eq!(answer.done(200)["data"].as_array().unwrap().len(), 1);
    }
    for query in ["limit=0", "limit=201"] {
        get(&app, &ada, &format!("{SESSIONS}?{query}"))
            .await
            .refused(400);
    }
}

#[tokio::test]
async fn administrators_see_all() {
    let (app, ada, eve) = app().await;
    let id = create(&app, &eve, &json!({})).await;
    let path = format!("{SESSIONS}/{id}/messages");
    get(&app, &ada, &path).await.refused(404);
    app.sql(
        "UPDATE users SET role = 'ADMIN' WHERE username = 'ada'",
        vec![],
    )
    .await;
    get(&app, &ada, &path).await.done(200);
    let list = get(&app, &ada, SESSIONS).await.done(200);
    assert_eq!(list["data"][0]["id"], json!(id));
    get(&app, &eve, &path).await.done(200);
    // In their sandboxes and rooms nobody looks.
    get(&app, &ada, &format!("{SESSIONS}/{id}"))
        .await
        .refused(404);
}
