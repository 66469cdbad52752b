//! Conversations as files, and what is found in them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use axum::Router;
use ports::Platform;
use serde_json::{Value, json};
use test_app::{Accounts, Way};

fn router(platform: Platform) -> Router {
    let others = sessions::router(platform.clone())
        .fallback_service(auth_component::router(platform.clone()));
    runs_component::router(platform).fallback_service(others)
}

/// An app with the accounts ada and eve, and a token of each.
async fn start() -> (Accounts, String, String) {
    let app = Accounts::start_with(router, &[], &["ada", "eve"]).await;
    let ada = app.token(Way::Workspace, "ada").await;
    let eve = app.token(Way::Workspace, "eve").await;
    (app, ada, eve)
}

/// A session with messages of a run: of the user `author`, and what Alex said.
async fn session(app: &Accounts, token: &str, messages: &[(&str, &str)]) -> String {
    let title = json!({"title": "A \"plan\""});
    let made = app.call_as(token, "POST /api/v1/sessions", &title);
    let uuid = made.await.done(201)["id"].as_str().unwrap().to_owned();
    app.sql(
        "INSERT INTO runs (uuid, session_id, user_id, status, created_at) \
         SELECT 'run of ' || uuid, id, user_id, 'queued', 0 FROM sessions WHERE uuid = ?1",
        vec![uuid.as_str().into()],
    )
    .await;
    for (number, (role, content)) in messages.iter().enumerate() {
        let id = format!("00000000-0000-7000-8000-{:012}", number + 1);
        app.sql(
            "INSERT INTO messages (uuid, session_id, role, content, status, created_at, agent, \
                 run_id) \
             SELECT substr(?1, 1, 24) || printf('%012d', ?2 + 1000 * session_id), session_id, ?3, \
                 ?4, 'complete', 0, CASE ?3 WHEN 'assistant' THEN 'Alex' END, id \
             FROM runs WHERE uuid = 'run of ' || ?5",
            vec![
                id.into(),
                i64::try_from(number).unwrap().into(),
                (*role).into(),
                (*content).into(),
                uuid.as_str().into(),
            ],
        )
        .await;
    }
    uuid
}

#[tokio::test]
async fn a_conversation_is_exported_whole() {
    let (app, ada, eve) = start().await;
    let mut said = vec![("user", "Hello\n"), ("assistant", "# Hi\n\n- a\n")];
    said.extend([("user", "more"); 203]);
    let uuid = session(&app, &ada, &said).await;
    let line = format!("GET /api/v1/sessions/{uuid}/export");
    let answer = app.call_as(&ada, &line, &Value::Null).await;
    assert_eq!(
        answer.header("content-type"),
        "text/markdown; charset=utf-8"
    );
    let name = format!("attachment; filename=\"conversation-{uuid}.md\"");
    assert_eq!(answer.header("content-disposition"), name);
    let head = answer
        .text
        .split("## User\n\n1970-01-01T00:00:00.000Z\n\nmore")
        .next();
    let said = "\n## User\n\n1970-01-01T00:00:00.000Z\n\nHello\n\n\
        ## Alex\n\n1970-01-01T00:00:00.000Z\n\n# Hi\n\n- a\n\n";
    assert!(head.unwrap().ends_with(said), "{}", head.unwrap());
    assert!(head.unwrap().starts_with("# A \"plan\"\n\n"));
    assert_eq!(answer.text.matches("\nmore\n").count(), 203);
    let json_line = format!("{line}?format=json");
    let whole = app.call_as(&ada, &json_line, &Value::Null).await.done(200);
    assert_eq!(whole["title"], "A \"plan\"");
    assert_eq!(whole["messages"].as_array().unwrap().len(), 205);
    assert_eq!(whole["messages"][1]["agent"], "Alex");
    let empty = session(&app, &ada, &[]).await;
    let empty_line = format!("GET /api/v1/sessions/{empty}/export?format=json");
    let empty = app.call_as(&ada, &empty_line, &Value::Null).await.done(200);
    assert_eq!(empty["messages"], json!([]));
    let pdf = format!("{line}?format=pdf");
    let refused = app.call_as(&ada, &pdf, &Value::Null).await;
    refused.refused(422);
    assert_eq!(refused.fields(), ["query.format"]);
    let foreign = app.call_as(&eve, &line, &Value::Null).await;
    foreign.problem(404, "Session not found");
    app.call(&line, &Value::Null).await.refused(401);
}

#[tokio::test]
async fn ones_own_messages_are_searched() {
    let (app, ada, eve) = start().await;
    let uuid = session(
        &app,
        &ada,
        &[
            ("user", "Fix the build"),
            ("assistant", "The BUILD is fine"),
        ],
    );
    let uuid = uuid.await;
    session(&app, &eve, &[("user", "eve builds too")]).await;
    let search = async |token: &str, query: &str| {
        let line = format!("GET /api/v1/messages/search?{query}");
        app.call_as(token, &line, &Value::Null).await
    };
    let found = search(&ada, "q=build").await;
    assert_eq!(found.header("x-total-count"), "2");
    let found = found.done(200);
    assert_eq!(found[0]["message"]["agent"], "Alex");
    assert_eq!(found[0]["message"]["session_id"], uuid);
    assert_eq!(found[0]["session_title"], "A \"plan\"");
    assert_eq!(found[1]["snippet"], "Fix the build");
    let one = search(&ada, "q=build&limit=1&offset=1").await.done(200);
    assert_eq!(one.as_array().unwrap().len(), 1);
    assert_eq!(
        search(&ada, "q=build+is")
            .await
            .done(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(search(&ada, "q=eve").await.done(200), json!([]));
    for query in [
        "",
        "q=",
        "q=%20",
        &format!("q={}", "x".repeat(201)),
        "q=a%00b",
        &format!("q={}", "a+".repeat(17)),
    ] {
        let refused = search(&ada, query).await;
        refused.refused(422);
        assert_eq!(refused.fields(), ["query.q"], "{query}");
    }
    app.call("GET /api/v1/messages/search?q=build", &Value::Null)
        .await
        .refused(401);
}

#[tokio::test]
async fn conversations_of_the_chat_contract_are_kept_too_but_not_strangers() {
    let (app, ada, eve) = start().await;
    let stranger = "INSERT INTO users (uuid, realm, username, created_at) \
        VALUES ('x', 'open', 'ada', 0)";
    app.sql(stranger, vec![]).await;
    let ids = ["account", "open"].map(|realm| (realm, format!("of {realm}")));
    let mut sessions = Vec::new();
    for (number, (realm, text)) in ids.iter().enumerate() {
        let uuid = format!("00000000-0000-7000-8000-00000000000{number}");
        app.sql(
            "INSERT INTO sessions (uuid, kind, user_id, created_at) \
             SELECT ?1, 'open', id, 0 FROM users WHERE username = 'ada' AND realm = ?2",
            vec![uuid.as_str().into(), (*realm).into()],
        )
        .await;
        app.sql(
            "INSERT INTO messages (uuid, session_id, role, content, status, created_at) \
             SELECT uuid, id, 'user', ?2, 'complete', 0 FROM sessions WHERE uuid = ?1",
            vec![uuid.as_str().into(), text.as_str().into()],
        )
        .await;
        sessions.push(uuid);
    }
    let search = "GET /api/v1/messages/search?q=of";
    let found = app.call_as(&ada, search, &Value::Null).await.done(200);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["message"]["session_id"], json!(sessions[0]));
    assert_eq!(found[0]["session_title"], "of account");
    let export = |uuid: &String| format!("GET /api/v1/sessions/{uuid}/export?format=json");
    let export: Vec<_> = sessions.iter().map(export).collect();
    let exported = app.call_as(&ada, &export[0], &Value::Null).await;
    assert_eq!(exported.done(200)["messages"][0]["content"], "of account");
    for (token, line) in [(&eve, &export[0]), (&ada, &export[1]), (&eve, &export[1])] {
        let refused = app.call_as(token, line, &Value::Null).await;
        refused.problem(404, "Session not found");
    }
}
