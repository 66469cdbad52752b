//! How sandboxes begin and end, whose they are, and what a runner that refuses or is away means.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{Setting, start};
use serde_json::{Value, json};
use test_app::Reply;

const LAUNCH: &str = "POST /api/v1/sandbox/launch";

fn sandbox(status: &str) -> Value {
    json!({ "status": status, "backend": "namespace", "network": false, "created_at": 0,
        "last_used_at": 1_000, "expires_at": 2_000 })
}

fn launched(created: bool) -> Reply {
    let body = json!({ "created": created, "sandbox": sandbox("running") });
    Reply::Json(200, body)
}

async fn sessions(setting: &Setting) -> usize {
    let rows = setting.app.sql("SELECT id FROM sessions", vec![]);
    rows.await.len()
}

#[tokio::test]
async fn a_session_is_launched_or_made_for_it() {
    let setting = start().await;
    let Setting {
        app, ada, session, ..
    } = &setting;
    app.runner.answers("PUT /v1/sandboxes/*", launched(true));
    for key in [json!(session), json!("1"), json!(1)] {
        let body = json!({ "session_id": key, "network": true });
        let answer = app.call_as(ada, LAUNCH, &body).await.done(200);
        let expected = json!({ "session_id": session, "status": "running", "created": true });
        assert_eq!(answer, expected);
        let asked = app.runner.asked_once();
        assert_eq!(asked.line, format!("PUT /v1/sandboxes/{session}"));
        assert_eq!(asked.json(), json!({ "user": 1, "network": true }));
    }
    app.runner.answers("PUT /v1/sandboxes/*", launched(false));
    let body = json!({ "session_id": session });
    let again = app.call_as(ada, LAUNCH, &body).await.done(200);
    assert_eq!(again["created"], false);
    assert_eq!(sessions(&setting).await, 1);
    for body in [
        Value::Null,
        json!({}),
        json!({"title": "Roof", "session_id": null}),
    ] {
        let made = app.call_as(ada, LAUNCH, &body).await.done(200);
        let id = made["session_id"].as_str().unwrap();
        let line = format!("GET /api/v1/sessions/{id}");
        let found = app.call_as(ada, &line, &Value::Null).await.done(200);
        assert_eq!(found["title"], body["title"]);
    }
    assert_eq!(sessions(&setting).await, 4);
}

#[tokio::test]
async fn a_session_whose_sandbox_cannot_be_had_is_not_made() {
    let setting = start().await;
    let Setting {
        app, ada, session, ..
    } = &setting;
    let detail = "Neither Docker nor namespaces are there";
    for (reply, status, said) in [
        (Reply::Problem(503, detail), 503, detail),
        (
            Reply::Problem(403, "The operator allows no network"),
            403,
            "The operator allows no network",
        ),
        (
            Reply::Problem(409, "Too many sandboxes"),
            409,
            "Too many sandboxes",
        ),
        (
            Reply::Unreachable,
            503,
            "The sandbox service is not there at the moment. Try again later",
        ),
        (
            Reply::Json(200, json!({ "created": true })),
            502,
            "The sandbox service failed",
        ),
    ] {
        app.runner.answers("PUT /v1/sandboxes/*", reply);
        app.call_as(ada, LAUNCH, &json!({}))
            .await
            .problem(status, said);
        assert_eq!(sessions(&setting).await, 1);
        let body = json!({ "session_id": session });
        app.call_as(ada, LAUNCH, &body).await.problem(status, said);
        // One that was there stays.
        assert_eq!(sessions(&setting).await, 1);
    }
}

#[tokio::test]
async fn refusals_of_the_runner_reach_the_person() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    let line = format!("GET /api/v1/sandbox/{session}");
    let down = "The sandbox service is not there at the moment. Try again later";
    let failed = "The sandbox service failed";
    let ours = "The sandbox service is not configured";
    let html = |status| {
        Reply::Bytes(
            status,
            vec![("content-type", "text/html")],
            vec!["<h1>secret</h1>"],
            false,
        )
    };
    for (reply, status, said) in [
        (Reply::Problem(400, "said"), 400, "said"),
        (Reply::Problem(403, "said"), 403, "said"),
        (Reply::Problem(404, "said"), 404, "said"),
        (Reply::Problem(409, "said"), 409, "said"),
        (Reply::Problem(413, "said"), 413, "said"),
        (Reply::Problem(416, "said"), 416, "said"),
        (Reply::Problem(422, "said"), 400, "said"),
        (Reply::Problem(429, "said"), 429, "said"),
        (Reply::Problem(503, "said"), 503, "said"),
        (Reply::Problem(504, "said"), 504, "said"),
        (Reply::Problem(507, "said"), 507, "said"),
        (Reply::Problem(401, "secret"), 503, ours),
        (Reply::Problem(500, "secret"), 502, failed),
        (Reply::Problem(405, "secret"), 502, failed),
        (Reply::Problem(301, "secret"), 502, failed),
        (html(404), 502, failed),
        (html(502), 502, failed),
        (html(503), 503, down),
        (html(200), 502, failed),
        (Reply::Json(404, json!({ "detail": "secret" })), 502, failed),
        (Reply::Json(200, json!({ "status": "secret" })), 502, failed),
        (Reply::Broken, 502, failed),
        (Reply::Unreachable, 503, down),
    ] {
        app.runner.answers("GET /v1/sandboxes/*", reply.clone());
        let answer = app.call_as(&ada, &line, &Value::Null).await;
        answer.problem(status, said);
        assert!(!answer.text.contains("secret"), "{reply:?}");
        let seconds = match &reply {
            Reply::Problem(503, _) => "7",
            _ if status == 503 => "5",
            _ => "",
        };
        assert_eq!(answer.header("retry-after"), seconds, "{reply:?}");
    }
}

#[tokio::test]
async fn a_runner_that_says_nothing_is_not_waited_for_long() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    app.runner.answers("GET /v1/sandboxes/*", Reply::Silence);
    let line = format!("GET /api/v1/sandbox/{session}");
    let asked = app.call_as(&ada, &line, &Value::Null);
    let moved_on = async {
        while app.clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        app.wait(2);
    };
    let (answer, ()) = tokio::join!(asked, moved_on);
    answer.problem(504, "The sandbox service did not answer in time");
}

#[tokio::test]
async fn how_it_is_and_that_it_is_gone() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    app.runner
        .answers("GET /v1/sandboxes/*", Reply::Json(200, sandbox("stopped")));
    let shown = json!({ "session_id": session, "status": "stopped", "backend": "namespace",
        "network": false, "created_at": "1970-01-01T00:00:00.000Z",
        "last_used_at": "1970-01-01T00:00:01.000Z", "expires_at": "1970-01-01T00:00:02.000Z" });
    for key in [session.as_str(), "1"] {
        let line = format!("GET /api/v1/sandbox/{key}");
        assert_eq!(
            app.call_as(&ada, &line, &Value::Null).await.done(200),
            shown
        );
    }
    for (number, destroyed) in [(1, true), (0, false)] {
        let done = Reply::Json(200, json!({ "destroyed": number }));
        app.runner.answers("DELETE /v1/sandboxes/*", done);
        let body = json!({ "session_id": session });
        let answer = app
            .call_as(&ada, "POST /api/v1/sandbox/destroy", &body)
            .await;
        let expected = json!({ "session_id": session, "destroyed": destroyed });
        assert_eq!(answer.done(200), expected);
    }
    let done = Reply::Json(200, json!({ "destroyed": 3 }));
    app.runner.answers("DELETE /v1/users/1/sandboxes", done);
    let line = "POST /api/v1/sandbox/destroy_all";
    let answer = app.call_as(&ada, line, &Value::Null).await.done(200);
    assert_eq!(answer, json!({ "destroyed": 3 }));
}

#[tokio::test]
async fn previews() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    let ports = json!([{ "container_port": 8000, "host_port": null,
        "url": "http://p-1.localhost:8789/?entry=x", "listening": true }]);
    let reply = Reply::Json(200, json!({ "ports": ports }));
    app.runner.answers("GET /v1/sandboxes/*/previews", reply);
    let line = format!("GET /api/v1/sandbox/preview/{session}");
    let answer = app.call_as(&ada, &line, &Value::Null).await;
    assert_eq!(
        answer.done(200),
        json!({ "session_id": session, "ports": ports })
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn somebody_elses_are_not_there_and_the_runner_is_not_asked() {
    let Setting {
        app,
        ada,
        eve,
        session,
    } = start().await;
    app.sql(
        "INSERT INTO sessions (uuid, kind, user_id, created_at) \
         VALUES ('0190a5c0-0000-7000-8000-0000000000aa', 'open', 1, 0)",
        vec![],
    )
    .await;
    let run = json!({ "command": "id" });
    for key in [session.as_str(), "1"] {
        let named = json!({ "session_id": key, "command": "id" });
        for (line, body) in [
            (LAUNCH.to_owned(), &named),
            ("POST /api/v1/sandbox/destroy".to_owned(), &named),
            ("POST /api/v1/sandbox/exec".to_owned(), &named),
            (format!("GET /api/v1/sandbox/{key}"), &Value::Null),
            (format!("GET /api/v1/sandbox/preview/{key}"), &Value::Null),
            (format!("GET /api/v1/sandbox/{key}/commands"), &Value::Null),
            (format!("POST /api/v1/sandbox/{key}/commands"), &run),
            (
                format!("GET /api/v1/sandbox/{key}/commands/1"),
                &Value::Null,
            ),
            (
                format!("DELETE /api/v1/sandbox/{key}/commands/1"),
                &Value::Null,
            ),
        ] {
            app.call_as(&eve, &line, body)
                .await
                .problem(404, "Session not found");
            app.call(&line, body)
                .await
                .problem(401, "Not authenticated");
        }
    }
    // Conversations of strangers have no sandbox, whoever's number they bear.
    for key in ["2", "0190a5c0-0000-7000-8000-0000000000aa"] {
        let line = format!("GET /api/v1/sandbox/{key}");
        app.call_as(&ada, &line, &Value::Null)
            .await
            .problem(404, "Session not found");
    }
    assert!(app.runner.asked().is_empty());
    let line = "POST /api/v1/sandbox/destroy";
    let answer = app
        .call_as(&ada, line, &json!({ "session_id": "../x" }))
        .await;
    answer.refused(422);
    assert_eq!(answer.fields(), ["session_id"]);
}

#[tokio::test]
async fn the_requests_number_goes_along() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    app.runner
        .answers("GET /v1/sandboxes/*", Reply::Json(200, sandbox("running")));
    let bearer = format!("Bearer {ada}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", "abc")];
    let line = format!("GET /api/v1/sandbox/{session}");
    app.call_with(&headers, &line, &Value::Null).await.done(200);
    let asked = app.runner.asked_once();
    assert_eq!(asked.headers["x-request-id"], "abc");
    assert_eq!(asked.headers["authorization"], "Bearer a-token-for-tests");
}

#[tokio::test]
async fn which_sandboxes_nobody_owns() {
    let Setting {
        app, ada, session, ..
    } = start().await;
    let line = "POST /internal/sandboxes/unowned";
    let nobodys = "0190a5c0-0000-7000-8000-0000000000ff";
    let body = json!({ "sessions": [session, nobodys] });
    app.call(line, &body).await.refused(401);
    app.call_as(&ada, line, &body)
        .await
        .problem(401, "Invalid runner token");
    let runner = "a-token-for-tests";
    let answer = app.call_as(runner, line, &body).await.done(200);
    assert_eq!(answer, json!({ "sessions": [nobodys] }));
    let many = json!({ "sessions": vec![nobodys; 1_001] });
    app.call_as(runner, line, &many).await.refused(422);
    app.call_as(runner, line, &json!({ "sessions": ["x"] }))
        .await
        .refused(422);
    let delete = format!("DELETE /api/v1/sessions/{session}");
    app.call_as(&ada, &delete, &Value::Null).await.done(204);
    let answer = app.call_as(runner, line, &body).await.done(200);
    assert_eq!(answer, body);
}

#[tokio::test]
async fn where_it_cannot_be_found_out_nothing_is_said_to_be_unowned() {
    let Setting { app, session, .. } = start().await;
    app.sql("ALTER TABLE sessions RENAME TO elsewhere", vec![])
        .await;
    let body = json!({ "sessions": [session] });
    let answer = app.call_as(
        "a-token-for-tests",
        "POST /internal/sandboxes/unowned",
        &body,
    );
    answer.await.refused(500);
}
