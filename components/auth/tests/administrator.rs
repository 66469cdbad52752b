//! The first administrator, and what administrators may see.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use test_app::{Accounts, Answer, PASSWORD, Way};

const ADMIN: [(&str, &str); 3] = [
    ("admin_username", "root"),
    ("admin_email", "Root@example.org"),
    ("admin_password", PASSWORD),
];

async fn app(own: &[(&str, &str)]) -> Accounts {
    Accounts::start(auth_component::router, own).await
}

async fn administrators(app: &Accounts) -> usize {
    let select = "SELECT id FROM users WHERE role = 'ADMIN'";
    app.sql(select, vec![]).await.len()
}

async fn by_email(app: &Accounts, token: &str, query: &str) -> Answer {
    let line = format!("GET /api/v1/auth/users{query}");
    app.call_as(token, &line, &Value::Null).await
}

#[tokio::test]
async fn the_variables_make_one_at_the_first_sign_in() {
    for way in Way::ALL {
        let app = app(&ADMIN).await;
        assert_eq!(administrators(&app).await, 0);
        let token = app.token(way, "root").await;
        let me = app
            .call_as(&token, "GET /api/v1/auth/me", &Value::Null)
            .await;
        assert_eq!(me.done(200)["role"], "ADMIN", "{way:?}");
        app.token(way, "root").await;
        assert_eq!(administrators(&app).await, 1);
    }
}

#[tokio::test]
async fn many_first_sign_ins_at_once_make_one() {
    let app = app(&ADMIN).await;
    let all = (0..5).map(|_| app.sign_in(Way::Studio, "root", PASSWORD));
    for answer in futures::future::join_all(all).await {
        answer.done(200);
    }
    assert_eq!(administrators(&app).await, 1);
}

#[tokio::test]
async fn one_that_was_deleted_or_changed_does_not_come_back() {
    let app = app(&ADMIN).await;
    let token = app.token(Way::Studio, "root").await;
    let line = "PUT /api/v1/users/me/password";
    let body = json!({ "oldPassword": PASSWORD, "newPassword": "battery staple" });
    app.call_as(&token, line, &body).await.done(200);
    app.sign_in(Way::Studio, "root", PASSWORD)
        .await
        .refused(401);
    app.sign_in(Way::Studio, "root", "battery staple")
        .await
        .done(200);
    let root = store::accounts::by_username(&*app.platform.sql, "root").await;
    let root = root.unwrap().unwrap().id;
    assert!(
        store::accounts::delete(&*app.platform.sql, root)
            .await
            .unwrap()
    );
    app.sign_in(Way::Studio, "root", PASSWORD)
        .await
        .refused(401);
    assert_eq!(administrators(&app).await, 0);
}

#[tokio::test]
async fn without_the_variables_there_is_none() {
    let app = app(&[]).await;
    app.sign_in(Way::Studio, "root", PASSWORD)
        .await
        .refused(401);
    assert_eq!(administrators(&app).await, 0);
}

#[tokio::test]
async fn variables_that_do_not_fit_are_503() {
    for (name, value) in [
        ("admin_username", "a b"),
        ("admin_email", ""),
        ("admin_email", "nonsense"),
        ("admin_password", ""),
        ("admin_password", "short"),
        ("jwt_secret", "too short"),
        ("limit_passwords_account", "many"),
    ] {
        let own: Vec<_> = ADMIN.into_iter().chain([(name, value)]).collect();
        let app = app(&own).await;
        for who in ["root", "ada"] {
            let answer = app.sign_in(Way::Runtime, who, PASSWORD).await;
            answer.problem(503, "The service is not configured");
            assert_eq!(answer.header("retry-after"), "5");
            assert!(!answer.text.contains(name), "{}", answer.text);
        }
        // A limit that cannot be read stops the sign-in, not the account.
        let made = usize::from(name.starts_with("limit"));
        assert_eq!(administrators(&app).await, made, "{name}");
    }
}

#[tokio::test]
async fn a_name_or_an_address_that_somebody_has_makes_nobody_an_administrator() {
    for (username, email) in [("Ada", "other@example.org"), ("other", "ada@example.org")] {
        let own = [
            ("admin_username", username),
            ("admin_email", email),
            ("admin_password", "battery staple"),
        ];
        let app = app(&own).await;
        // From a time before the variables were set.
        let insert = "INSERT INTO users (uuid, realm, username, email, password_hash, role, \
             created_at) VALUES ('00000000-0000-7000-8000-000000000001', 'account', 'ada', \
             'ada@example.org', '-', 'USER', 1)";
        app.sql(insert, Vec::new()).await;
        let answer = app.sign_in(Way::Studio, "ada", PASSWORD).await;
        answer.problem(503, "The service is not configured");
        assert_eq!(administrators(&app).await, 0);
    }
}

#[tokio::test]
async fn nobody_takes_the_administrators_name_before_the_first_sign_in() {
    let app = app(&ADMIN).await;
    let wanted = json!({ "username": "root", "email": "x@example.org", "password": PASSWORD });
    let refused = app.post("/api/v1/auth/verifications", &wanted).await;
    assert_eq!(
        (refused.status.as_u16(), refused.fields()),
        (422, vec!["username".to_owned()])
    );
    assert_eq!(administrators(&app).await, 1);
}

#[tokio::test]
async fn accounts_by_address_are_ones_own_or_an_administrators_to_see() {
    let app = app(&ADMIN).await;
    let ada = app.sign_up("ada").await;
    app.sign_up("bob").await;
    for way in Way::ALL {
        let root = app.token(way, "root").await;
        let token = app.token(way, "ada").await;
        let own = by_email(&app, &token, "?email=ADA@example.org")
            .await
            .done(200);
        let expected = json!({
            "id": ada["user"]["id"], "email": "ada@example.org",
            "created_at": "2027-01-15T08:00:00.000Z",
            "email_confirmed_at": "2027-01-15T08:00:00.000Z",
        });
        assert_eq!(own, expected, "{way:?}");
        // Somebody else's and nobody's are the same to others.
        for email in ["bob", "nobody", "root"] {
            let query = format!("?email={email}@example.org");
            let refused = by_email(&app, &token, &query).await;
            refused.problem(403, "This is somebody else's address");
        }
        let any = by_email(&app, &root, "?email=ada%40example.org").await;
        assert_eq!(any.done(200), expected);
        let nobody = by_email(&app, &root, "?email=nobody@example.org").await;
        nobody.problem(404, "User not found");
        for query in ["", "?email=", "?email=x", "?mail=ada@example.org"] {
            let answer = by_email(&app, &root, query).await;
            answer.refused(422);
            assert_eq!(answer.fields(), ["query.email"], "{query}");
        }
    }
}
