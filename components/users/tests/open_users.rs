//! `POST /users/` and `GET /users/{username}` of the `chat` contract.

#![allow(clippy::indexing_slicing, reason = "tests")]

use http::Method;
use serde_json::{Value, json};
use test_app::TestApp;

async fn app() -> TestApp {
    TestApp::start(users::router, &[]).await
}

#[tokio::test]
async fn a_user_is_made_and_found_again() {
    let app = app().await;
    let made = app
        .post(
            "/api/v1/users/",
            &json!({"username": "ada", "email": "a@b.c"}),
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    assert_eq!(made["username"], "ada");
    assert_eq!(made["email"], "a@b.c");
    assert_eq!(made["id"], 1);
    assert!(
        made["created_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z') && at.len() == 24)
    );
    assert_eq!(app.get("/api/v1/users/ada").await.json(), made);
    assert_eq!(app.get("/api/v1/users/ada/").await.json(), made);
}

#[tokio::test]
async fn without_an_address_it_is_null() {
    let app = app().await;
    for (name, body) in [
        ("a", json!({"username": "a"})),
        ("b", json!({"username": "b", "email": null})),
    ] {
        assert_eq!(
            app.post("/api/v1/users", &body).await.json()["email"],
            Value::Null
        );
        assert_eq!(
            app.get(&format!("/api/v1/users/{name}")).await.json()["email"],
            Value::Null
        );
    }
}

#[tokio::test]
async fn a_taken_name_is_refused_in_the_documents_words() {
    let app = app().await;
    app.post("/api/v1/users/", &json!({"username": "ada"}))
        .await;
    let again = app
        .post("/api/v1/users/", &json!({"username": "ada"}))
        .await;
    again.problem(400, "Username already registered");
    assert_eq!(
        app.post("/api/v1/users/", &json!({"username": "Ada"}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn one_of_many_that_want_a_name_at_once_gets_it() {
    let app = app().await;
    let body = json!({"username": "wanted"});
    let (a, b, c, d) = tokio::join!(
        app.post("/api/v1/users/", &body),
        app.post("/api/v1/users/", &body),
        app.post("/api/v1/users/", &body),
        app.post("/api/v1/users/", &body),
    );
    let made = [a, b, c, d]
        .iter()
        .filter(|answer| answer.status == 200)
        .count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn an_unknown_user_is_not_found_in_the_documents_words() {
    let problem = app()
        .await
        .get("/api/v1/users/nobody")
        .await
        .problem(404, "User not found");
    assert_eq!(problem["instance"], "/api/v1/users/nobody");
    assert_eq!(problem["title"], "Not Found");
}

#[tokio::test]
async fn names_of_any_script_and_with_odd_characters_work_in_paths() {
    let app = app().await;
    for (name, segment) in [
        ("小明", "%E5%B0%8F%E6%98%8E"),
        ("a/b", "a%2Fb"),
        ("x y", "x%20y"),
    ] {
        let made = app.post("/api/v1/users/", &json!({"username": name})).await;
        let found = app.get(&format!("/api/v1/users/{segment}")).await;
        assert_eq!(found.json(), made.json(), "{name}");
    }
}

#[tokio::test]
async fn invalid_bodies_name_their_fields() {
    let app = app().await;
    let check = async |body: &str, field: &str| {
        let json = [("content-type", "application/json")];
        let answer = app
            .request(Method::POST, "/api/v1/users/", &json, body)
            .await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    };
    check("{}", "username").await;
    check(r#"{"username":7}"#, "username").await;
    check(r#"{"username":""}"#, "username").await;
    check(r#"{"username":"me"}"#, "username").await;
    check(&json!({"username": "x".repeat(65)}).to_string(), "username").await;
    check(
        &json!({"username": "a", "email": "x".repeat(255)}).to_string(),
        "email",
    )
    .await;
    check(r#"{"username":"a","email":1}"#, "email").await;
    check("", "body").await;
    check("{", "body").await;
    check("null", "body").await;
    let both = json!({"username": "", "email": "\n"});
    let both = app.post("/api/v1/users/", &both).await.json();
    assert_eq!(both["errors"].as_array().map(Vec::len), Some(2), "{both}");
}

#[tokio::test]
async fn what_is_no_json_is_refused_by_its_type_and_size() {
    let app = app().await;
    let post = async |content_type: &str, body: &str| {
        let headers = [("content-type", content_type)];
        app.request(Method::POST, "/api/v1/users/", &headers, body)
            .await
    };
    post("text/plain", r#"{"username":"a"}"#)
        .await
        .problem(415, "The body must be application/json");
    let large = json!({"username": "x".repeat(300_000)}).to_string();
    assert_eq!(post("application/json", &large).await.status, 413);
}

#[tokio::test]
async fn other_methods_and_paths_are_problems_too() {
    let app = app().await;
    let answer = app
        .request(Method::DELETE, "/api/v1/users/ada", &[], "")
        .await;
    answer.problem(405, "Method Not Allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    app.get("/api/v1/users/ada/friends")
        .await
        .problem(404, "Not Found");
}

#[tokio::test]
async fn a_token_asks_for_an_account_and_never_shows_an_open_user() {
    let app = app().await;
    app.post("/api/v1/users/", &json!({"username": "ada"}))
        .await;
    let headers = [("authorization", "Bearer x")];
    let answer = app
        .request(Method::GET, "/api/v1/users/ada", &headers, "")
        .await;
    answer.problem(401, "The token is invalid");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn where_the_open_chat_is_off_strangers_are_refused() {
    for variables in [
        &[("open_chat", "false")][..],
        &[("public_url", "https://atelier.example.org")],
    ] {
        let app = TestApp::start(users::router, variables).await;
        let body = json!({"username": "ada"});
        app.post("/api/v1/users/", &body)
            .await
            .problem(401, "Not authenticated");
        app.get("/api/v1/users/ada")
            .await
            .problem(401, "Not authenticated");
    }
    let on = [
        ("public_url", "https://atelier.example.org"),
        ("open_chat", "true"),
    ];
    let app = TestApp::start(users::router, &on).await;
    assert_eq!(app.get("/api/v1/users/ada").await.status, 404);
}

#[tokio::test]
async fn accounts_are_invisible_to_the_open_chat() {
    let app = app().await;
    app.sql(
        "INSERT INTO users (uuid, realm, username, email, created_at) \
         VALUES ('u', 'account', 'ada', 'ada@example.org', 0)",
        Vec::new(),
    )
    .await;
    app.get("/api/v1/users/ada")
        .await
        .problem(404, "User not found");
    let made = app
        .post("/api/v1/users/", &json!({"username": "ada"}))
        .await;
    assert_eq!(made.status, 200, "the name is free here: {}", made.text);
}
