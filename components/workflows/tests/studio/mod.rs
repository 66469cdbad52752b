//! The components `workflows`, `sessions` and `auth` over one database and real HTTP, with an
//! administrator and two users.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part of it"
)]

use axum::Router;
use comfyui_stub::Stub;
use ports::Platform;
use serde_json::{Value, json};
use test_app::{Answer, PASSWORD, TestApp, Way};

pub(crate) const SERVICES: &str = "/api/v1/services";
pub(crate) const WORKFLOWS: &str = "/api/v1/workflows";

fn router(platform: Platform) -> Router {
    let sessions = sessions::router(platform.clone())
        .fallback_service(auth_component::router(platform.clone()));
    workflows::router(platform).fallback_service(sessions)
}

/// An app, and the tokens of its accounts.
pub(crate) struct Studio {
    pub(crate) app: TestApp,
    pub(crate) admin: String,
    pub(crate) ada: String,
    pub(crate) eve: String,
}

impl Studio {
    pub(crate) async fn start() -> Self {
        let own = [
            ("admin_username", "root"),
            ("admin_email", "root@example.org"),
            ("admin_password", PASSWORD),
        ];
        let app = TestApp::start(router, &own).await;
        let admin = sign_in(&app, "root").await;
        for (name, uuid) in [
            ("ada", "0190a5c0-0000-7000-8000-00000000000a"),
            ("eve", "0190a5c0-0000-7000-8000-00000000000e"),
        ] {
            let copy = "INSERT INTO users (uuid, realm, username, email, password_hash, role, \
                 created_at, email_confirmed_at) SELECT ?2, realm, ?1, ?1 || '@example.org', \
                 password_hash, 'USER', created_at, email_confirmed_at FROM users \
                 WHERE username = 'root'";
            app.sql(copy, vec![name.into(), uuid.into()]).await;
        }
        Self {
            admin,
            ada: sign_in(&app, "ada").await,
            eve: sign_in(&app, "eve").await,
            app,
        }
    }

    pub(crate) async fn call(&self, token: &str, line: &str, body: &Value) -> Answer {
        self.app.call_as(token, line, body).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, &format!("GET {path}"), &Value::Null).await
    }

    /// The service that is `stub`.
    pub(crate) async fn service(&self, url: &str) -> i64 {
        let count = self.app.sql("SELECT COUNT(*) FROM services", vec![]).await;
        let count: i64 = count[0].get(0).unwrap();
        let body = json!({ "name": format!("gpu {count}"), "url": url });
        let line = format!("POST {SERVICES}");
        let made = self.call(&self.admin, &line, &body).await;
        made.data()["id"].as_i64().unwrap()
    }

    /// A workflow of ada's.
    pub(crate) async fn workflow(&self, body: &Value) -> i64 {
        let line = format!("POST {WORKFLOWS}");
        let made = self.call(&self.ada, &line, body).await;
        made.data()["id"].as_i64().unwrap()
    }

    /// Has the run of an agent hold a workflow.
    pub(crate) async fn lock(&self, id: i64) {
        let lock = "UPDATE workflows SET lock_run = ?2, lock_reason = 'Agent editing', \
             lock_until = ?3 WHERE id = ?1";
        let run = "0190a5c0-0000-7000-8000-0000000000ff";
        let until = self.app.platform.clock.now() + 60_000;
        self.app
            .sql(lock, vec![id.into(), run.into(), until.into()])
            .await;
    }
}

async fn sign_in(app: &TestApp, name: &str) -> String {
    let (line, body) = Way::Studio.request(name, PASSWORD);
    Way::Studio.token_of(&app.call(line, &body).await.done(200))
}

pub(crate) async fn stub() -> Stub {
    Stub::start().await.unwrap()
}

/// A workflow in API format that the stub runs.
pub(crate) fn api(width: i64) -> Value {
    json!({
        "1": { "class_type": "EmptyImage",
            "inputs": { "width": width, "height": 64, "batch_size": 1, "color": 0 } },
        "2": { "class_type": "SaveImage",
            "inputs": { "images": ["1", 0], "filename_prefix": "cat" } },
    })
}

/// The same as the editor saves it.
pub(crate) fn editor(width: i64) -> Value {
    json!({
        "last_node_id": 2, "last_link_id": 1, "version": 0.4,
        "nodes": [
            { "id": 1, "type": "EmptyImage", "pos": [0, 0], "mode": 0, "inputs": [],
              "outputs": [{ "name": "IMAGE", "type": "IMAGE", "links": [1] }],
              "widgets_values": [width, 64, 1, 0] },
            { "id": 2, "type": "SaveImage", "pos": [300, 0], "mode": 0,
              "inputs": [{ "name": "images", "type": "IMAGE", "link": 1 }], "outputs": [],
              "widgets_values": ["cat"] },
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    })
}
