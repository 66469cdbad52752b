//! The components `auth` and `sessions` over one database: who signs in at the one uses the other.

use axum::Router;
use ports::Platform;
use serde_json::json;
use test_app::{Accounts, Reply, Way};

fn router(platform: Platform) -> Router {
    sessions::router(platform.clone()).fallback_service(auth_component::router(platform))
}

/// An app with the accounts ada and eve, and a token of each.
pub(crate) async fn start(own: &[(&str, &str)]) -> (Accounts, String, String) {
    let app = Accounts::start_with(router, own, &["ada", "eve"]).await;
    let ada = app.token(Way::Workspace, "ada").await;
    let eve = app.token(Way::Workspace, "eve").await;
    app.runner.answers(
        "GET /v1/users/*/sandboxes",
        Reply::Json(200, json!({ "sandboxes": [] })),
    );
    app.runner.answers(
        "GET /v1/sandboxes/*",
        Reply::Problem(404, "The session has no sandbox. Launch one first"),
    );
    (app, ada, eve)
}

/// The number of a session.
#[allow(dead_code, reason = "not every test asks for one")]
pub(crate) async fn number(app: &Accounts, uuid: &str) -> i64 {
    let rows = app.sql("SELECT id FROM sessions WHERE uuid = ?1", vec![uuid.into()]);
    rows.await[0].get(0).unwrap()
}

/// A message of a session, written `age` milliseconds after the test began.
#[allow(dead_code, reason = "not every test writes one")]
pub(crate) async fn message(app: &Accounts, session: i64, id: i64, role: &str, content: &str) {
    app.sql(
        "INSERT INTO messages (id, uuid, session_id, role, content, status, created_at) \
         VALUES (?1, printf('00000000-0000-7000-8000-%012d', ?1), ?2, ?3, ?4, 'complete', ?5)",
        vec![
            id.into(),
            session.into(),
            role.into(),
            content.into(),
            (test_app::NOW + id).into(),
        ],
    )
    .await;
}
