//! Passwords: changed with the old one, set anew by code.

use serde_json::{Value, json};
use test_app::{Accounts, Answer, PASSWORD, Way};

const NEW: &str = "battery staple";
const WRONG: &str = "The code is wrong or has expired";

async fn app() -> Accounts {
    let app = Accounts::start(auth_component::router, &[]).await;
    app.sign_up("ada").await;
    app
}

async fn change(app: &Accounts, token: &str, old: &str, new: &str) -> Answer {
    let body = json!({ "oldPassword": old, "newPassword": new });
    app.call_as(token, "PUT /api/v1/users/me/password", &body)
        .await
}

/// Asks for a code.
async fn forgot(app: &Accounts, name: &str) -> Answer {
    let body = json!({ "email": format!("{name}@example.org") });
    app.post("/api/v1/auth/password-resets", &body).await
}

async fn reset(app: &Accounts, name: &str, code: &str, password: &str) -> Answer {
    let email = format!("{name}@example.org");
    let body = json!({ "email": email, "token": code, "password": password });
    app.post("/api/v1/auth/password-resets/confirm", &body)
        .await
}

#[tokio::test]
async fn a_change_ends_the_other_logins_and_keeps_this_one() {
    for way in Way::ALL {
        let app = app().await;
        let bob = app.sign_up("bob").await;
        let bob = bob["access_token"].as_str().unwrap();
        let token = app.token(way, "ada").await;
        let mut others = Vec::new();
        for other in Way::ALL {
            others.push(app.token(other, "ada").await);
        }
        let changed = change(&app, &token, PASSWORD, NEW).await;
        let expected = json!({ "code": 200, "message": "success", "data": { "success": true } });
        assert_eq!(changed.done(200), expected);
        assert!(app.is_good(&token).await, "{way:?}");
        assert!(app.is_good(bob).await);
        for other in others {
            assert!(!app.is_good(&other).await, "{way:?}");
        }
        for way in Way::ALL {
            app.sign_in(way, "ada", PASSWORD).await.refused(401);
            app.sign_in(way, "ada", NEW).await.done(200);
        }
    }
}

#[tokio::test]
async fn the_old_password_must_be_right_and_is_not_guessed_with_a_stolen_token() {
    let app = app().await;
    let token = app.token(Way::Studio, "ada").await;
    for _ in 0..10 {
        let wrong = change(&app, &token, "wrong horse", NEW).await;
        wrong.problem(403, "The password is wrong");
    }
    change(&app, &token, PASSWORD, NEW).await.refused(429);
    // Whoever knows the password still gets in.
    app.sign_in(Way::Studio, "ada", PASSWORD).await.done(200);
    app.wait(900);
    let fresh = app.token(Way::Studio, "ada").await;
    change(&app, &fresh, PASSWORD, NEW).await.done(200);
}

#[tokio::test]
async fn no_login_that_is_opened_meanwhile_outlives_the_old_password() {
    let app = app().await;
    let token = app.token(Way::Studio, "ada").await;
    // Each begins a step of the change later than the one before.
    let late = async |steps: usize| {
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        app.sign_in(Way::Workspace, "ada", PASSWORD).await
    };
    let sign_ins = futures::future::join_all((0..10).map(late));
    let (changed, answers) = tokio::join!(change(&app, &token, PASSWORD, NEW), sign_ins);
    changed.done(200);
    for answer in answers {
        if answer.status == 200 {
            let opened = Way::Workspace.token_of(&answer.json());
            assert!(!app.is_good(&opened).await);
        } else {
            answer.refused(401);
        }
    }
    assert!(app.is_good(&token).await);
}

#[tokio::test]
async fn a_refresh_token_does_not_outlive_the_password() {
    let app = app().await;
    let answer = app.sign_in(Way::Runtime, "ada", PASSWORD).await.done(200);
    let token = app.token(Way::Studio, "ada").await;
    change(&app, &token, PASSWORD, NEW).await.done(200);
    let body = json!({ "refresh_token": answer["refresh_token"] });
    app.post("/api/v1/auth/sessions/refresh", &body)
        .await
        .refused(401);
}

#[tokio::test]
async fn a_reset_by_code_ends_all_logins_and_opens_one() {
    let app = app().await;
    let mut old = Vec::new();
    for way in Way::ALL {
        old.push(app.token(way, "ada").await);
    }
    let asked = forgot(&app, "Ada").await;
    assert_eq!(asked.done(202), json!({ "email": "ada@example.org" }));
    let letter = app.mailbox.last();
    assert!(
        letter
            .subject
            .ends_with("is your Atelier code for a new password")
    );
    let answer = reset(&app, "ada", &letter.code(), NEW).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.done(200);
    assert!(app.is_good(&Way::Runtime.token_of(&tokens)).await);
    for token in old {
        assert!(!app.is_good(&token).await);
    }
    app.sign_in(Way::Studio, "ada", PASSWORD).await.refused(401);
    app.sign_in(Way::Studio, "ada", NEW).await.done(200);
    reset(&app, "ada", &letter.code(), PASSWORD)
        .await
        .problem(401, WRONG);
}

#[tokio::test]
async fn an_unknown_address_gets_the_same_answer_and_no_letter() {
    let app = app().await;
    let known = forgot(&app, "ada").await;
    let code = app.mailbox.last().code();
    let unknown = forgot(&app, "nobody").await;
    assert_eq!(known.status, unknown.status);
    assert_eq!(unknown.done(202), json!({ "email": "nobody@example.org" }));
    let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    let letter = app.mailbox.last();
    assert!(letter.discard && letter.code() != "");
    let refused = reset(&app, "nobody", &letter.code(), NEW).await;
    refused.problem(401, WRONG);
    reset(&app, "ada", &code, NEW).await.done(200);
}

#[tokio::test]
async fn codes_have_five_tries_and_ten_minutes() {
    let app = app().await;
    forgot(&app, "ada").await.done(202);
    let code = app.mailbox.last().code();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        reset(&app, "ada", wrong, NEW).await.problem(401, WRONG);
    }
    reset(&app, "ada", &code, NEW).await.problem(401, WRONG);
    forgot(&app, "ada").await.done(202);
    app.wait(600);
    let code = app.mailbox.last().code();
    reset(&app, "ada", &code, NEW).await.problem(401, WRONG);
    app.sign_in(Way::Studio, "ada", PASSWORD).await.done(200);
}

#[tokio::test]
async fn of_many_that_show_the_code_at_once_one_sets_the_password() {
    let app = app().await;
    forgot(&app, "ada").await.done(202);
    let code = app.mailbox.last().code();
    let passwords = ["password 0", "password 1", "password 2", "password 3"];
    let resets = passwords.map(|password| reset(&app, "ada", &code, password));
    let answers = futures::future::join_all(resets).await;
    let mut set = 0;
    for (answer, password) in answers.iter().zip(passwords) {
        let status = if answer.status == 200 { 200 } else { 401 };
        assert_eq!(answer.status, status);
        set += usize::from(answer.status == 200);
        let signed_in = app.sign_in(Way::Studio, "ada", password).await;
        assert_eq!(signed_in.status, status, "{password}");
    }
    assert_eq!(set, 1);
}

#[tokio::test]
async fn a_code_sent_to_an_address_that_was_given_up_sets_no_password() {
    let app = app().await;
    let token = app.token(Way::Runtime, "ada").await;
    forgot(&app, "ada").await.done(202);
    let code = app.mailbox.last().code();
    let body = json!({ "email": "new@example.org", "password": PASSWORD });
    app.call_as(&token, "POST /api/v1/users/me/email", &body)
        .await
        .done(202);
    let body = json!({ "token": app.mailbox.last().code(), "password": PASSWORD });
    let line = "POST /api/v1/users/me/email/confirm";
    app.call_as(&token, line, &body).await.done(200);
    reset(&app, "ada", &code, NEW).await.problem(401, WRONG);
    app.sign_in(Way::Studio, "ada", PASSWORD).await.done(200);
}

#[tokio::test]
async fn letters_are_limited_for_known_and_unknown_alike() {
    let app = app().await;
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            forgot(&app, name).await.done(202);
        }
    }
    for name in ["ada", "nobody"] {
        let refused = forgot(&app, name).await;
        refused.refused(429);
        assert_eq!(refused.header("retry-after"), "3600");
    }
    assert_eq!(
        app.call("GET /api/v1/auth/me", &Value::Null).await.status,
        401
    );
}
