//! The components `auth` and `agents` over one database, with an administrator and a user.

#![allow(dead_code, reason = "each test uses a part of it")]

use axum::Router;
use ports::Platform;
use serde_json::{Value, json};
use std::process::Command;
use test_app::{Accounts, Answer, Way};

pub(crate) const PROVIDERS: &str = "/api/v1/model-providers";
pub(crate) const MODELS: &str = "/api/v1/models";
pub(crate) const AGENTS: &str = "/api/v1/agents";

/// A key that must turn up nowhere.
pub(crate) const SENTINEL: &str = "sk-sentinel-4f1d9b7e0a2c";

pub(crate) fn router(platform: Platform) -> Router {
    agents_component::router(platform.clone()).fallback_service(auth_component::router(platform))
}

/// An app, and the tokens of its two accounts.
pub(crate) struct Studio {
    pub(crate) app: Accounts,
    pub(crate) admin: String,
    pub(crate) user: String,
}

impl Studio {
    pub(crate) async fn start(own: &[(&str, &str)]) -> Self {
        let app = Accounts::start_with(router, own, &["ada", "eve"]).await;
        let promote = "UPDATE users SET role = 'ADMIN' WHERE username = 'ada'";
        app.sql(promote, vec![]).await;
        Self {
            admin: app.token(Way::Studio, "ada").await,
            user: app.token(Way::Studio, "eve").await,
            app,
        }
    }

    /// As the administrator.
    pub(crate) async fn call(&self, line: &str, body: &Value) -> Answer {
        self.app.call_as(&self.admin, line, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&format!("GET {path}"), &Value::Null).await
    }

    pub(crate) async fn create(&self, path: &str, body: &Value) -> i64 {
        let answer = self.call(&format!("POST {path}"), body).await;
        answer.data()["id"].as_i64().unwrap()
    }

    pub(crate) async fn provider(&self, code: &str) -> i64 {
        self.create(PROVIDERS, &provider(code)).await
    }

    pub(crate) async fn model(&self, provider: i64, code: &str) -> i64 {
        let body = json!({ "providerId": provider, "name": code, "modelCode": code,
            "modelType": "chat" });
        self.create(MODELS, &body).await
    }
}

pub(crate) fn provider(code: &str) -> Value {
    json!({ "name": code, "code": code, "baseUrl": "https://models.example.com/v1",
        "apiKey": SENTINEL })
}

/// `base` with the member `name` set to `value`.
pub(crate) fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut body = base.clone();
    body[name] = value;
    body
}

/// What the tests of this file print, run once more without the one called `but`.
pub(crate) fn log_of_all(but: &str) -> Vec<u8> {
    let mut again = Command::new(std::env::current_exe().unwrap());
    let again = again.args(["--nocapture", "--test-threads=1", "--skip", but]);
    let output = again.output().unwrap();
    let log = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&log));
    log
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
