//! `/users/me` in the words of `runtime` and of `studio`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod both;

use serde_json::{Value, json};
use test_app::{Accounts, Answer, Way};

const PUT: &str = "PUT /api/v1/users/me";
const PATCH: &str = "PATCH /api/v1/users/me";

async fn app() -> Accounts {
    let app = both::start(&[]).await;
    app.sign_up("ada").await;
    app
}

async fn me(app: &Accounts, token: &str) -> Value {
    let line = "GET /api/v1/users/me";
    app.call_as(token, line, &Value::Null).await.done(200)
}

#[tokio::test]
async fn the_audience_picks_the_words() {
    let app = app().await;
    for way in Way::ALL {
        let token = app.token(way, "ada").await;
        let me = me(&app, &token).await;
        if way == Way::Studio {
            let data = json!({
                "id": 1, "username": "ada", "displayName": null, "email": "ada@example.org",
                "avatarUrl": null, "role": "USER", "workflowCount": 0, "sessionCount": 0,
            });
            assert_eq!(
                me,
                json!({ "code": 200, "message": "success", "data": data })
            );
        } else {
            let id = &me["id"];
            assert_eq!(id.as_str().map(str::len), Some(36));
            let expected = json!({ "id": id, "username": "ada", "avatar_url": null, "bio": null });
            assert_eq!(me, expected, "{way:?}");
        }
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let app = app().await;
    let token = app.token(Way::Runtime, "ada").await;
    let avatar = "https://example.org/a.png";
    let profile = |answer: &Answer| {
        let json = answer.done(200);
        (
            json["username"].clone(),
            json["avatar_url"].clone(),
            json["bio"].clone(),
        )
    };
    for (body, username, avatar_url, bio) in [
        (json!({}), "ada", Value::Null, Value::Null),
        (
            json!({ "bio": "Counts." }),
            "ada",
            Value::Null,
            json!("Counts."),
        ),
        (
            json!({ "avatar_url": avatar }),
            "ada",
            json!(avatar),
            json!("Counts."),
        ),
        (
            json!({ "username": "Ada_L", "bio": null }),
            "Ada_L",
            json!(avatar),
            Value::Null,
        ),
        (
            json!({ "username": null, "email": "x" }),
            "Ada_L",
            json!(avatar),
            Value::Null,
        ),
        // One's own name in another case is not taken.
        (
            json!({ "username": "ADA_L" }),
            "ADA_L",
            json!(avatar),
            Value::Null,
        ),
        (
            json!({ "avatar_url": null }),
            "ADA_L",
            Value::Null,
            Value::Null,
        ),
        (
            json!({ "bio": "密".repeat(200) }),
            "ADA_L",
            Value::Null,
            json!("密".repeat(200)),
        ),
    ] {
        let answer = app.call_as(&token, PATCH, &body).await;
        assert_eq!(
            profile(&answer),
            (json!(username), avatar_url, bio),
            "{body}"
        );
        assert_eq!(me(&app, &token).await, answer.json());
    }
    // The address is not changed this way.
    app.sign_in(Way::Runtime, "ada", test_app::PASSWORD)
        .await
        .done(200);
    app.sign_in(Way::Studio, "ada", test_app::PASSWORD)
        .await
        .refused(401);
    app.sign_in(Way::Studio, "ada_l", test_app::PASSWORD)
        .await
        .done(200);
}

#[tokio::test]
async fn a_taken_name_is_422_and_to_studio_400() {
    let app = app().await;
    app.sign_up("bob").await;
    for (way, status) in [
        (Way::Runtime, 422),
        (Way::Workspace, 422),
        (Way::Studio, 400),
    ] {
        let token = app.token(way, "ada").await;
        for name in ["bob", "BOB"] {
            let body = json!({ "username": name, "bio": "not stored" });
            let answer = app.call_as(&token, PATCH, &body).await;
            let problem = answer.refused(status);
            assert_eq!(
                problem["errors"],
                json!([{ "field": "username", "message": "is taken" }])
            );
            assert_eq!(problem.get("code").is_some(), way == Way::Studio);
        }
    }
    let token = app.token(Way::Runtime, "ada").await;
    assert_eq!(me(&app, &token).await["bio"], Value::Null);
}

#[tokio::test]
async fn of_many_that_want_a_name_at_once_one_gets_it() {
    let app = app().await;
    let mut tokens = Vec::new();
    for name in ["bob", "eve", "joe", "kim"] {
        tokens.push(Way::Runtime.token_of(&app.sign_up(name).await));
    }
    let body = json!({ "username": "wanted" });
    let all = tokens.iter().map(|token| app.call_as(token, PATCH, &body));
    let answers = futures::future::join_all(all).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(422)), (1, 3));
}

#[tokio::test]
async fn what_breaks_a_rule_is_named_and_changes_nothing() {
    let app = app().await;
    for (way, status) in [(Way::Runtime, 422), (Way::Studio, 400)] {
        let token = app.token(way, "ada").await;
        let before = me(&app, &token).await;
        for (line, body, field) in [
            (PATCH, json!({ "username": "a b" }), "username"),
            (PATCH, json!({ "username": "me" }), "username"),
            (PATCH, json!({ "username": 7 }), "username"),
            (PATCH, json!({ "bio": "x".repeat(201) }), "bio"),
            (PATCH, json!({ "bio": ["x"] }), "bio"),
            (
                PATCH,
                json!({ "avatar_url": "javascript:alert(1)" }),
                "avatar_url",
            ),
            (
                PATCH,
                json!({ "avatar_url": "data:image/png,x" }),
                "avatar_url",
            ),
            (
                PATCH,
                json!({ "avatar_url": "", "bio": "kept?" }),
                "avatar_url",
            ),
            (PUT, json!({ "displayName": "" }), "displayName"),
            (PUT, json!({ "displayName": "x".repeat(65) }), "displayName"),
            (PUT, json!({ "displayName": "a\nb" }), "displayName"),
            (PUT, json!({ "displayName": 7 }), "displayName"),
            (PUT, json!({ "email": "x", "displayName": "Ada" }), "email"),
            (PUT, json!({ "avatarUrl": "/a.png" }), "avatarUrl"),
        ] {
            let answer = app.call_as(&token, line, &body).await;
            answer.refused(status);
            assert_eq!(answer.fields(), [field], "{line} {body}");
        }
        assert_eq!(me(&app, &token).await, before);
    }
}

#[tokio::test]
async fn a_put_leaves_what_it_does_not_name() {
    let app = app().await;
    let token = app.token(Way::Studio, "ada").await;
    let avatar = "https://example.org/a.png";
    for (body, display_name, avatar_url) in [
        (
            json!({ "displayName": "Ada 爱达" }),
            json!("Ada 爱达"),
            Value::Null,
        ),
        (
            json!({ "avatarUrl": avatar }),
            json!("Ada 爱达"),
            json!(avatar),
        ),
        (json!({}), json!("Ada 爱达"), json!(avatar)),
        // The name is not changed this way, and one's own address asks for no code.
        (
            json!({ "username": "x", "email": "ADA@example.org" }),
            json!("Ada 爱达"),
            json!(avatar),
        ),
        (
            json!({ "displayName": null, "avatarUrl": null }),
            Value::Null,
            Value::Null,
        ),
    ] {
        let letters = app.mailbox.letters().len();
        let answer = app.call_as(&token, PUT, &body).await;
        let expected = json!({ "code": 200, "message": "success", "data": { "success": true } });
        assert_eq!(answer.done(200), expected, "{body}");
        assert_eq!(app.mailbox.letters().len(), letters);
        let me = me(&app, &token).await;
        assert_eq!(
            (&me["data"]["displayName"], &me["data"]["avatarUrl"]),
            (&display_name, &avatar_url)
        );
        assert_eq!(me["data"]["username"], "ada");
    }
}

#[tokio::test]
async fn another_address_waits_for_its_code() {
    let app = app().await;
    let token = app.token(Way::Studio, "ada").await;
    let body = json!({ "email": "Other@example.org", "displayName": "Ada" });
    let data = app.call_as(&token, PUT, &body).await.done(200)["data"].clone();
    assert_eq!(
        data,
        json!({ "success": true, "emailPending": "other@example.org" })
    );
    let letter = app.mailbox.last();
    assert_eq!(letter.to, "other@example.org");
    assert_eq!(me(&app, &token).await["data"]["email"], "ada@example.org");
    let line = "POST /api/v1/users/me/email/confirm";
    let code = json!({ "token": letter.code(), "password": test_app::PASSWORD });
    app.call_as(&token, line, &code).await.done(200);
    assert_eq!(me(&app, &token).await["data"]["email"], "other@example.org");
    // A letter that cannot be sent promises nothing.
    app.mailbox.fail(Some(test_app::Fault::Unreachable));
    let body = json!({ "email": "third@example.org" });
    app.call_as(&token, PUT, &body).await.refused(503);
}
