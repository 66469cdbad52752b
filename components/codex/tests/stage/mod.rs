//! Coding sessions as they are: the component, the executor, a scripted model on real sockets, and a
//! runner that the test plays.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

mod runner;

use axum::Router;
use model_stub::scripted::{Script, ScriptedModel};
use ports::Platform;
pub use runner::PlayedRunner;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};
use test_app::{Accounts, Answer, Edge, LateClock, Way};

pub struct Stage {
    pub accounts: Accounts,
    pub model: ScriptedModel,
    pub runner: Arc<PlayedRunner>,
    pub ada: String,
    pub eve: String,
}

fn accounts(platform: Platform) -> Router {
    sessions::router(platform.clone()).fallback_service(auth_component::router(platform))
}

fn edge(platform: Platform) -> Router {
    codex_component::router(platform.clone()).fallback_service(executor::router(platform))
}

impl Stage {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with some variables of its own.
    pub async fn with(own: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start().await.unwrap();
        let base_url = model.base_url();
        let own = [&[("llm_base_url", base_url.as_str())], own].concat();
        let app = Accounts::start_with(accounts, &own, &["ada", "eve"]).await;
        let ada = app.token(Way::CodexByName, "ada").await;
        let eve = app.token(Way::CodexByName, "eve").await;
        let runner = Arc::new(PlayedRunner {
            models: Arc::new(platform_native::HyperHttp::new().unwrap()),
            edge: Edge::default(),
            away: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let platform = Platform {
            http: Arc::new(runner::Door(Arc::clone(&runner))),
            clock: Arc::new(LateClock::default()),
            ..app.platform.clone()
        };
        runner.edge.is(edge(platform.clone()), platform);
        Self {
            accounts: app,
            model,
            runner,
            ada,
            eve,
        }
    }

    pub async fn call(&self, token: &str, line: &str, body: &Value) -> Answer {
        self.call_with(&[], token, line, body).await
    }

    /// The same with headers.
    pub async fn call_with(
        &self,
        headers: &[(&str, &str)],
        token: &str,
        line: &str,
        body: &Value,
    ) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Value::Null => axum::body::Body::empty(),
            body => {
                request = request.header("content-type", "application/json");
                axum::body::Body::from(body.to_string())
            }
        };
        let request = request.body(body).unwrap();
        Answer::read(self.runner.edge.send(request).await).await
    }

    /// A session of Ada's.
    pub async fn session(&self, body: Value) -> String {
        let made = self.call(&self.ada, "POST /api/sessions", &body).await;
        made.done(201)["session_id"].as_str().unwrap().to_owned()
    }

    /// Ada submits something.
    pub async fn submit(&self, session: &str, body: Value) -> Answer {
        let line = format!("POST /api/sessions/{session}/submit");
        self.call(&self.ada, &line, &body).await
    }

    /// Ada says something.
    pub async fn say(&self, session: &str, text: &str) -> Answer {
        let body = json!({ "type": "user_message", "content": text, "metadata": {} });
        self.submit(session, body).await
    }

    /// What the runner passes on from a socket of Ada's; the frame that comes back.
    pub async fn on_socket(&self, session: &str, id: &str, payload: Value) -> Value {
        let said = json!({ "session": session, "user": 1, "login": self.login().await,
            "id": id, "payload": payload });
        let response = self.runner.ask("/internal/sockets/codex", said.to_string());
        let answer = Answer::read(response.await).await.done(200);
        answer["frames"][0].clone()
    }

    /// What Ada signed in as.
    pub async fn login(&self) -> i64 {
        let select = "SELECT MAX(id) FROM logins WHERE user_id = 1";
        self.accounts.sql(select, Vec::new()).await[0]
            .get(0)
            .unwrap()
    }

    /// Waits until the room was told something, and returns the newest of its kind.
    pub async fn told(&self, what: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let found = self
                    .runner
                    .state()
                    .room
                    .iter()
                    .rfind(|event| what(event))
                    .cloned();
                if let Some(found) = found {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        found.unwrap_or_else(|_| panic!("{:#?}", self.runner.state().room))
    }

    /// Waits until something of that kind was told.
    pub async fn heard(&self, kind: &str) -> Value {
        self.told(|event| event["type"] == kind).await
    }

    /// Waits until so many turns have ended.
    pub async fn ended(&self, turns: usize) {
        let waiting = async {
            loop {
                if self.runner.state().turns_ended() >= turns {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(ended.is_ok(), "{:#?}", self.runner.state().room);
    }

    /// What waits for Ada's decision.
    pub async fn pending(&self, session: &str) -> Vec<Value> {
        let line = format!("GET /api/sessions/{session}");
        let shown = self.call(&self.ada, &line, &Value::Null).await.done(200);
        shown["pending_approvals"].as_array().unwrap().clone()
    }

    pub fn file(&self, path: &str) -> Option<String> {
        self.runner.state().files.get(path).cloned()
    }
}

/// An answer of the model that calls a tool.
pub fn call(tool: &str, arguments: Value) -> Script {
    Script::calls(&[(tool, arguments)])
}
