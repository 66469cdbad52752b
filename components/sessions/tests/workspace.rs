//! "Sessions" of the `workspace` document.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{message, number, start};
use serde_json::{Value, json};
use test_app::{Accounts, Reply, Way};

const SESSIONS: &str = "/api/v1/sessions";
const NOBODYS: &str = "0190a5c0-0000-7000-8000-0000000000ff";

async fn get(app: &Accounts, token: &str, path: &str) -> test_app::Answer {
    app.call_as(token, &format!("GET {path}"), &Value::Null)
        .await
}

#[tokio::test]
async fn a_session_is_made_with_and_without_a_body() {
    let (app, ada, _) = start(&[]).await;
    let line = format!("POST {SESSIONS}");
    let made = app
        .call_as(&ada, &line, &json!({"title": " Sky "}))
        .await
        .done(201);
    let now = "2027-01-15T08:00:00.000Z";
    let expected = json!({ "id": made["id"], "title": "Sky", "created_at": now,
        "updated_at": now, "sandbox": null });
    assert_eq!(made, expected);
    assert_eq!(made["id"].as_str().unwrap().len(), 36);
    for body in [
        Value::Null,
        json!({}),
        json!({"title": null}),
        json!({"title": "  "}),
    ] {
        let made = app.call_as(&ada, &line, &body).await.done(201);
        assert_eq!(made["title"], Value::Null, "{body}");
    }
    let long = json!({"title": "x".repeat(201)});
    let answer = app.call_as(&ada, &line, &long).await;
    answer.refused(422);
    assert_eq!(answer.fields(), ["title"]);
    let answer = app.call_as(&ada, &line, &json!({"title": 7})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.fields()),
        (422, vec!["title".to_owned()])
    );
    app.call(&line, &json!({}))
        .await
        .problem(401, "Not authenticated");
    let text = app
        .request(
            http::Method::POST,
            SESSIONS,
            &[("authorization", &format!("Bearer {ada}"))],
            "title=x",
        )
        .await;
    text.refused(415);
}

#[tokio::test]
async fn an_account_has_so_many_of_all_contracts() {
    let (app, ada, eve) = start(&[("limit_sessions_user", "2")]).await;
    let studio = app.token(Way::Studio, "ada").await;
    let line = format!("POST {SESSIONS}");
    let create = async |token: &str| app.call_as(token, &line, &Value::Null).await;
    let first = app.session(&ada).await;
    create(&studio).await.done(200);
    let detail = "An account has at most 2 sessions. Delete one first";
    create(&ada).await.problem(409, detail);
    create(&studio).await.problem(409, detail);
    app.session(&eve).await;
    let delete = format!("DELETE {SESSIONS}/{first}");
    let done = Reply::Json(200, json!({ "destroyed": 0 }));
    app.runner.answers("DELETE /v1/sessions/*", done);
    app.call_as(&ada, &delete, &Value::Null).await.done(204);
    create(&ada).await.done(201);
}

#[tokio::test]
async fn they_are_listed_newest_first_in_parts_and_only_to_their_owner() {
    let (app, ada, eve) = start(&[]).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, app.session(&ada).await);
    }
    app.session(&eve).await;
    // Of these kinds `workspace` shows the second alone.
    for (kind, uuid) in [
        ("studio", "1"),
        ("codex", "2"),
        ("runtime", "3"),
        ("open", "4"),
    ] {
        let uuid = format!("0190a5c0-0000-7000-8000-00000000000{uuid}");
        app.sql(
            "INSERT INTO sessions (uuid, kind, user_id, created_at) VALUES (?1, ?2, 1, 0)",
            vec![uuid.as_str().into(), kind.into()],
        )
        .await;
        if kind == "codex" {
            ids.insert(0, uuid);
        }
    }
    let check = async |query: &str, expected: &[String]| {
        let answer = get(&app, &ada, &format!("{SESSIONS}{query}")).await;
        let list = answer.done(200);
        let found: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|session| session["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(answer.header("x-total-count"), "6", "{query}");
    };
    check("", &ids).await;
    check("/", &ids).await;
    check("?limit=2", &ids[..2]).await;
    check("?limit=2&offset=3", &ids[3..5]).await;
    check("?offset=9", &[]).await;
    for query in ["limit=0", "limit=101", "limit=x", "offset=-1"] {
        let answer = get(&app, &ada, &format!("{SESSIONS}?{query}")).await;
        answer.refused(422);
    }
}

#[tokio::test]
async fn one_is_opened_by_either_id_and_not_by_others() {
    let (app, ada, eve) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let id = number(&app, &uuid).await.to_string();
    for key in [&uuid, &id, &uuid.to_uppercase()] {
        let found = get(&app, &ada, &format!("{SESSIONS}/{key}"))
            .await
            .done(200);
        assert_eq!(found["id"], json!(uuid), "{key}");
    }
    let lines = ["GET", "DELETE", "PATCH"];
    let wrong = [
        NOBODYS,
        "0",
        "-1",
        "x",
        "9999999999999999999",
        "..%2f1",
        "%ff",
        "1%00",
    ];
    for method in lines {
        let body = if method == "PATCH" {
            json!({"title": "x"})
        } else {
            Value::Null
        };
        for key in wrong {
            let line = format!("{method} {SESSIONS}/{key}");
            let status = app.call_as(&ada, &line, &body).await.status.as_u16();
            // What is no text at all is refused before anything is looked for.
            assert!(
                status == 404 || (key == "%ff" && status == 422),
                "{line} {status}"
            );
        }
        for key in [&uuid, &id] {
            let line = format!("{method} {SESSIONS}/{key}");
            app.call_as(&eve, &line, &body)
                .await
                .problem(404, "Session not found");
            app.call(&line, &body).await.refused(401);
        }
    }
    for key in [&uuid, &id] {
        get(&app, &eve, &format!("{SESSIONS}/{key}/messages"))
            .await
            .problem(404, "Session not found");
        get(&app, &eve, &format!("/api/v1/chat/messages/{key}"))
            .await
            .problem(404, "Session not found");
    }
    get(&app, &ada, &format!("{SESSIONS}/{uuid}"))
        .await
        .done(200);
}

#[tokio::test]
async fn the_sandbox_is_shown_and_a_runner_that_is_away_is_said() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let other = app.session(&ada).await;
    let sandbox = json!({ "status": "stopped", "backend": "docker", "network": true,
        "created_at": 0, "last_used_at": 0, "expires_at": 5 });
    let one = Reply::Json(200, sandbox.clone());
    app.runner
        .answers(&format!("GET /v1/sandboxes/{uuid}"), one);
    let list = json!({ "sandboxes": [{ "session": uuid, "sandbox": sandbox }] });
    app.runner
        .answers("GET /v1/users/1/sandboxes", Reply::Json(200, list));
    let shown = json!({ "status": "stopped", "network": true,
        "expires_at": "1970-01-01T00:00:00.005Z" });
    let path = format!("{SESSIONS}/{uuid}");
    assert_eq!(get(&app, &ada, &path).await.done(200)["sandbox"], shown);
    let list = get(&app, &ada, SESSIONS).await.done(200);
    assert_eq!(list[0]["id"], json!(other));
    assert_eq!(list[0]["sandbox"], Value::Null);
    assert_eq!(list[1]["sandbox"], shown);
    for reply in [
        Reply::Unreachable,
        Reply::Broken,
        Reply::Json(200, json!(7)),
        Reply::Json(404, json!({})),
        Reply::Problem(401, "Wrong runner token"),
        Reply::Problem(503, "Draining"),
    ] {
        app.runner.answers("GET /v1/sandboxes/*", reply.clone());
        app.runner
            .answers("GET /v1/users/*/sandboxes", reply.clone());
        let unknown = json!({ "status": "unknown" });
        let found = get(&app, &ada, &path).await.done(200);
        assert_eq!(found["sandbox"], unknown, "{reply:?}");
        let list = get(&app, &ada, SESSIONS).await.done(200);
        assert_eq!(list[0]["sandbox"], unknown, "{reply:?}");
    }
}

#[tokio::test]
async fn a_session_is_renamed_and_else_called_as_it_begins() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let line = format!("PATCH {SESSIONS}/{uuid}");
    let rename = async |body: Value| app.call_as(&ada, &line, &body).await;
    app.wait(60);
    let renamed = rename(json!({"title": "Roof"})).await.done(200);
    assert_eq!(renamed["title"], "Roof");
    assert_eq!(renamed["updated_at"], "2027-01-15T08:01:00.000Z");
    assert_eq!(rename(json!({})).await.done(200), renamed);
    assert_eq!(
        rename(json!({"title": null})).await.done(200)["title"],
        Value::Null
    );
    let id = number(&app, &uuid).await;
    message(&app, id, 1, "assistant", "Welcome").await;
    message(&app, id, 90_000, "user", "\n Fix the\u{7} roof\nplease").await;
    let found = get(&app, &ada, &format!("{SESSIONS}/{uuid}"))
        .await
        .done(200);
    assert_eq!(found["title"], "Fix the  roof");
    assert_eq!(found["updated_at"], "2027-01-15T08:01:30.000Z");
    for body in [
        json!({"title": "a\nb"}),
        json!({"title": "x".repeat(201)}),
        json!({"title": 7}),
    ] {
        let answer = rename(body).await;
        answer.refused(422);
        assert_eq!(answer.fields(), ["title"]);
    }
}

#[tokio::test]
async fn deleting_takes_the_messages_and_the_sandbox_along() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let kept = app.session(&ada).await;
    let (id, kept_id) = (number(&app, &uuid).await, number(&app, &kept).await);
    message(&app, id, 1, "user", "gone").await;
    message(&app, kept_id, 2, "user", "kept").await;
    let done = Reply::Json(200, json!({ "destroyed": 1 }));
    app.runner.answers("DELETE /v1/sessions/*", done);
    drop(app.runner.asked());
    let line = format!("DELETE {SESSIONS}/{uuid}");
    app.call_as(&ada, &line, &Value::Null).await.done(204);
    assert_eq!(
        app.runner.asked_once().line,
        format!("DELETE /v1/sessions/{uuid}")
    );
    let left = app.sql("SELECT id FROM messages", vec![]).await;
    assert_eq!(left.len(), 1);
    app.call_as(&ada, &line, &Value::Null)
        .await
        .problem(404, "Session not found");
    assert!(app.runner.asked().is_empty());
    get(&app, &ada, &format!("{SESSIONS}/{kept}"))
        .await
        .done(200);
}

#[tokio::test]
async fn a_runner_that_is_away_keeps_nobody_from_deleting() {
    let (app, ada, _) = start(&[]).await;
    for reply in [
        Reply::Unreachable,
        Reply::Problem(503, "Draining"),
        Reply::Broken,
    ] {
        let uuid = app.session(&ada).await;
        app.runner.answers("DELETE /v1/sessions/*", reply);
        let line = format!("DELETE {SESSIONS}/{uuid}");
        app.call_as(&ada, &line, &Value::Null).await.done(204);
        get(&app, &ada, &format!("{SESSIONS}/{uuid}"))
            .await
            .refused(404);
    }
}

#[tokio::test]
async fn messages_come_whole_or_in_parts() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let id = number(&app, &uuid).await;
    for (number, role) in [(1, "user"), (2, "assistant"), (3, "user")] {
        message(&app, id, number, role, &number.to_string()).await;
    }
    let check = async |query: &str, expected: &[&str]| {
        for path in [
            format!("{SESSIONS}/{uuid}/messages"),
            format!("/api/v1/chat/messages/{id}"),
        ] {
            let answer = get(&app, &ada, &format!("{path}{query}")).await;
            let list = answer.done(200);
            let list = list.as_array().unwrap();
            let found: Vec<_> = list
                .iter()
                .map(|one| one["content"].as_str().unwrap())
                .collect();
            assert_eq!(found, expected, "{path}{query}");
            assert_eq!(answer.header("x-total-count"), "3");
        }
    };
    check("", &["1", "2", "3"]).await;
    check("?limit=1", &["3"]).await;
    check("?offset=0&limit=2", &["1", "2"]).await;
    let path = format!("{SESSIONS}/{uuid}/messages");
    let list = get(&app, &ada, &path).await.done(200);
    let expected = json!({
        "message_id": "00000000-0000-7000-8000-000000000002", "session_id": uuid,
        "sender": "agent", "agent": null, "content": "2",
        "timestamp": "2027-01-15T08:00:00.002Z", "final": true, "status": "complete",
        "parent_id": null, "sibling": 1, "siblings": 1,
    });
    assert_eq!(list[1], expected);
    assert_eq!(list[0]["sender"], "user");
    get(&app, &ada, &format!("{path}?limit=201"))
        .await
        .refused(422);
}

#[tokio::test]
async fn any_audience_but_studio_sees_the_same() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    for way in [Way::Runtime, Way::CodexByName] {
        let token = app.token(way, "ada").await;
        let list = get(&app, &token, SESSIONS).await.done(200);
        assert_eq!(list[0]["id"], json!(uuid), "{way:?}");
    }
}

#[tokio::test]
async fn streams_of_events_are_elsewhere() {
    for (own, base) in [
        (vec![], "http://127.0.0.1:3000"),
        (
            vec![("runner_public_url", "https://live.example/")],
            "https://live.example",
        ),
    ] {
        let (app, ada, _) = start(&own).await;
        let path = format!("{SESSIONS}/7/events");
        let answer = get(&app, &ada, &format!("{path}?token=secret")).await;
        let detail = format!("This is served at {base}{path}, by WebSocket or as events");
        answer.problem(426, &detail);
    }
}
