//! Tickets, and who may enter a room with what.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod over_auth;

use over_auth::{number, start};
use serde_json::{Value, json};
use test_app::{Accounts, Answer, Way};

const ENTER: &str = "POST /internal/rooms/enter";
const TICKETS: &str = "POST /api/v1/auth/tickets";
const RUNNER: &str = "a-token-for-tests";
const USED: &str = "The ticket is invalid, was used, or has expired";
const NOW: i64 = test_app::NOW;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Asks to enter the room of `session` with what `with` has.
async fn enter(app: &Accounts, session: &str, with: &[(&str, &str)]) -> Answer {
    let mut body = json!({ "session": session, "path": format!("/api/ws/sessions/{session}") });
    for (name, value) in with {
        body[*name] = json!(value);
    }
    app.call_as(RUNNER, ENTER, &body).await
}

async fn ticket(app: &Accounts, token: &str) -> String {
    let answer = app.call_as(token, TICKETS, &Value::Null).await;
    let body = answer.done(201);
    assert_eq!(body["expires_in"], 30);
    assert_eq!(answer.header("cache-control"), "no-store");
    body["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn with_each_credential_and_by_either_id() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let id = number(&app, &uuid).await.to_string();
    let bearer = format!("Bearer {ada}");
    let cookie = format!("a=b; access_token={ada}");
    let expected = json!({ "session": uuid, "user": 1, "login": 3, "expires_at": NOW + DAY });
    for key in [&uuid, &id] {
        for with in [
            ("authorization", &bearer),
            ("cookie", &cookie),
            ("token", &ada),
            ("ticket", &ticket(&app, &ada).await),
        ] {
            let answer = enter(&app, key, &[(with.0, with.1)]).await;
            assert_eq!(answer.done(200), expected, "{}", with.0);
        }
    }
    enter(&app, &uuid, &[])
        .await
        .problem(401, "Not authenticated");
}

#[tokio::test]
async fn every_kind_but_conversations_has_rooms_for_its_owner_alone() {
    let (app, ada, eve) = start(&[]).await;
    for (number, kind) in ["workspace", "codex", "studio", "runtime", "open"]
        .iter()
        .enumerate()
    {
        let uuid = format!("0190a5c0-0000-7000-8000-00000000000{number}");
        app.sql(
            "INSERT INTO sessions (uuid, kind, user_id, created_at) VALUES (?1, ?2, 1, 0)",
            vec![uuid.as_str().into(), (*kind).into()],
        )
        .await;
        let status = enter(&app, &uuid, &[("token", &ada)]).await.status;
        assert_eq!(
            status.as_u16(),
            if *kind == "open" { 404 } else { 200 },
            "{kind}"
        );
        let eve = enter(&app, &uuid, &[("token", &eve)]).await;
        eve.problem(404, "Session not found");
        let path = format!("/api/sessions/{uuid}/events?last_event_id=0");
        let body = json!({ "session": uuid, "path": path, "token": ada });
        let status = app.call_as(RUNNER, ENTER, &body).await.status;
        let expected = if *kind == "codex" { 200 } else { 404 };
        assert_eq!(status.as_u16(), expected, "{kind} as a coding session");
    }
    for key in ["", "x", "0", "0190a5c0-0000-7000-8000-0000000000ff"] {
        enter(&app, key, &[("token", &ada)])
            .await
            .problem(404, "Session not found");
    }
}

#[tokio::test]
async fn a_refusal_is_about_the_path_that_was_asked_for() {
    let (app, ada, _) = start(&[]).await;
    let refused = async |path: &str| {
        let body = json!({ "session": "7", "path": path, "token": ada });
        app.call_as(RUNNER, ENTER, &body).await.refused(404)
    };
    let codex = refused("/api/sessions/7/events?token=secret").await;
    assert_eq!(codex["instance"], "/api/sessions/7/events");
    assert_eq!(codex["error"], "SessionNotFound");
    let workspace = refused("/api/v1/ws/sessions/7").await;
    assert_eq!(workspace["instance"], "/api/v1/ws/sessions/7");
    assert_eq!(workspace["error"], Value::Null);
    // One for all of a user's sessions: there is none that could be missing.
    let body = json!({ "session": "", "path": "/ws/chat?token=x", "token": "x" });
    let studio = app.call_as(RUNNER, ENTER, &body).await.refused(401);
    assert_eq!(
        (&studio["code"], &studio["instance"]),
        (&json!(401), &json!("/ws/chat"))
    );
}

#[tokio::test]
async fn only_the_runner_asks() {
    let (app, ada, _) = start(&[]).await;
    for line in [ENTER, "POST /internal/logins/ended"] {
        let body = json!({ "session": "1", "path": "/", "token": ada, "logins": [] });
        app.call(line, &body)
            .await
            .problem(401, "Invalid runner token");
        app.call_as(&ada, line, &body)
            .await
            .problem(401, "Invalid runner token");
        let cookie = [("cookie", "access_token=a-token-for-tests")];
        app.call_with(&cookie, line, &body).await.refused(401);
        app.call_as(RUNNER, line, &json!({ "session": 7, "logins": 7 }))
            .await
            .refused(422);
    }
}

#[tokio::test]
async fn a_ticket_is_good_once_and_for_thirty_seconds() {
    let (app, ada, eve) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let once = ticket(&app, &ada).await;
    let both = futures::future::join_all((0..8).map(|_| async {
        let with = [("ticket", once.as_str())];
        enter(&app, &uuid, &with).await.status.as_u16()
    }));
    let both = both.await;
    assert_eq!(
        both.iter().filter(|status| **status == 200).count(),
        1,
        "{both:?}"
    );
    assert_eq!(
        both.iter().filter(|status| **status == 401).count(),
        7,
        "{both:?}"
    );
    let late = ticket(&app, &ada).await;
    let in_time = ticket(&app, &ada).await;
    app.clock.advance(std::time::Duration::from_millis(29_999));
    enter(&app, &uuid, &[("ticket", &in_time)]).await.done(200);
    app.clock.advance(std::time::Duration::from_millis(1));
    enter(&app, &uuid, &[("ticket", &late)])
        .await
        .problem(401, USED);
    // Somebody else's opens nothing of mine, and is used up by that.
    let theirs = ticket(&app, &eve).await;
    enter(&app, &uuid, &[("ticket", &theirs)])
        .await
        .refused(404);
    enter(&app, &uuid, &[("ticket", &theirs)])
        .await
        .problem(401, USED);
    for wrong in ["x", "' OR 1=1 --", &once.to_uppercase()] {
        enter(&app, &uuid, &[("ticket", wrong)])
            .await
            .problem(401, USED);
    }
    // A wrong ticket is not made good by what a browser adds.
    let cookie = format!("access_token={ada}");
    let with = [("ticket", "x"), ("cookie", cookie.as_str())];
    enter(&app, &uuid, &with).await.problem(401, USED);
    let empty = [("ticket", ""), ("token", ""), ("cookie", cookie.as_str())];
    enter(&app, &uuid, &empty).await.done(200);
}

#[tokio::test]
async fn a_ticket_ends_with_its_login_and_lends_no_time() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let runtime = app.token(Way::Runtime, "ada").await;
    let lent = ticket(&app, &runtime).await;
    let entered = enter(&app, &uuid, &[("ticket", &lent)]).await.done(200);
    assert_eq!(entered["expires_at"], json!(NOW + 60 * 60 * 1_000));
    let codex = app.token(Way::CodexByName, "ada").await;
    let revoked = ticket(&app, &codex).await;
    app.call_as(&codex, "POST /api/logout", &Value::Null)
        .await
        .done(204);
    enter(&app, &uuid, &[("ticket", &revoked)])
        .await
        .problem(401, USED);
    enter(&app, &uuid, &[("token", &codex)])
        .await
        .problem(401, "The token is invalid");
    // The token's last moment.
    app.wait(60 * 60 - 10);
    let last = ticket(&app, &runtime).await;
    app.wait(10);
    enter(&app, &uuid, &[("ticket", &last)])
        .await
        .problem(401, USED);
}

#[tokio::test]
async fn tickets_are_bounded_hashed_and_swept() {
    let (app, ada, eve) = start(&[]).await;
    app.call(TICKETS, &Value::Null)
        .await
        .problem(401, "Not authenticated");
    let mut tickets = Vec::new();
    for _ in 0..100 {
        tickets.push(ticket(&app, &ada).await);
    }
    let answer = app.call_as(&ada, TICKETS, &Value::Null).await;
    answer.refused(429);
    assert_eq!(answer.header("retry-after"), "30");
    ticket(&app, &eve).await;
    let stored = app.sql("SELECT hash FROM tickets", vec![]).await;
    for row in &stored {
        let hash: String = row.get(0).unwrap();
        assert!(!tickets.contains(&hash));
    }
    app.wait(31);
    ticket(&app, &ada).await;
    let left = async || app.sql("SELECT hash FROM tickets", vec![]).await.len();
    // Eve's is still there; ada's went when she asked again.
    assert_eq!(left().await, 2);
    app.wait(31);
    app.call_as(RUNNER, "POST /internal/sweep", &Value::Null)
        .await
        .done(200);
    assert_eq!(left().await, 0);
}

#[tokio::test]
async fn pages_of_other_sites() {
    let with_list: &[(&str, &str)] = &[
        ("public_url", "https://atelier.example"),
        ("cors_origins", "https://app.example"),
    ];
    let away: &[(&str, &str)] = &[("public_url", "https://atelier.example")];
    let here: &[(&str, &str)] = &[];
    let anybody: &[(&str, &str)] = &[("cors_origins", "*")];
    let page = "A page of another site made this request";
    for (own, origin, by_cookie, by_token) in [
        (with_list, "https://app.example", true, true),
        (with_list, "https://atelier.example", true, true),
        (with_list, "https://evil.example", false, false),
        (with_list, "https://edge.internal:8443", true, true),
        (with_list, "http://atelier.example", false, false),
        (with_list, "null", false, false),
        (with_list, "", false, false),
        (away, "https://app.example", false, false),
        (here, "http://127.0.0.1:3000", true, true),
        (here, "https://evil.example", false, true),
        (anybody, "https://evil.example", false, true),
        (anybody, "null", false, false),
    ] {
        let (app, ada, _) = start(own).await;
        let uuid = app.session(&ada).await;
        let cookie = format!("access_token={ada}");
        let bearer = format!("Bearer {ada}");
        let fresh = ticket(&app, &ada).await;
        let host = ("host", "edge.internal:8443");
        for (name, value, fine) in [
            ("cookie", &cookie, by_cookie),
            ("token", &ada, by_token),
            ("authorization", &bearer, by_token),
            ("ticket", &fresh, by_token),
        ] {
            let with = [(name, value.as_str()), ("origin", origin), host];
            let answer = enter(&app, &uuid, &with).await;
            if fine {
                answer.done(200);
            } else {
                answer.problem(403, page);
            }
            enter(&app, &uuid, &[("cookie", &cookie), host])
                .await
                .done(200);
        }
    }
}

#[tokio::test]
async fn headers_that_are_none_are_refused() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    for name in ["cookie", "origin", "authorization", "host"] {
        let with = [("token", ada.as_str()), (name, "a\r\nb: c")];
        enter(&app, &uuid, &with).await.refused(400);
    }
}

#[tokio::test]
async fn which_logins_are_over() {
    let (app, ada, _) = start(&[]).await;
    let gone = app.token(Way::CodexByName, "ada").await;
    app.call_as(&gone, "POST /api/logout", &Value::Null)
        .await
        .done(204);
    let ended = async |logins: Value| {
        let line = "POST /internal/logins/ended";
        app.call_as(RUNNER, line, &json!({ "logins": logins }))
            .await
    };
    assert_eq!(ended(json!([])).await.done(200), json!({ "logins": [] }));
    let all = ended(json!([1, 2, 3, 4, 5, 99, -1])).await.done(200);
    assert_eq!(all, json!({ "logins": [5, 99, -1] }));
    // Those of `workspace` last a day, those of `runtime` thirty.
    app.wait(24 * 60 * 60);
    let all = ended(json!([1, 2, 3, 4])).await.done(200);
    assert_eq!(all, json!({ "logins": [3, 4] }));
    assert!(!app.is_good(&ada).await);
    let many: Vec<i64> = (0..1_001).collect();
    ended(json!(many)).await.refused(422);
    ended(json!(many[..1_000])).await.done(200);
}

#[tokio::test]
async fn an_account_that_leaves_takes_its_tickets_along() {
    let (app, ada, _) = start(&[]).await;
    let uuid = app.session(&ada).await;
    let left = ticket(&app, &ada).await;
    store::accounts::delete(&*app.platform.sql, domain::UserId(1))
        .await
        .unwrap();
    enter(&app, &uuid, &[("ticket", &left)])
        .await
        .problem(401, USED);
    let tickets = app.sql("SELECT hash FROM tickets", vec![]).await;
    assert!(tickets.is_empty());
}
