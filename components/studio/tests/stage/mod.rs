//! The studio as it is: accounts, workflows and sessions on a real database, a scripted model and a
//! ComfyUI stub on real sockets, and a runner that the test plays: it has runs executed, keeps what
//! rooms are told, and listens to services, as the real one does.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

mod runner;

pub use comfyui_stub::text_to_image;
pub use runner::PlayedRunner;

use axum::{Router, body::Body, response::Response};
use comfyui_stub::Stub;
use http::Request;
use model_stub::scripted::{Script, ScriptedModel};
use ports::Platform;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use test_app::{Accounts, Answer, LateClock, Way};

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(60);

pub struct Stage {
    pub accounts: Accounts,
    pub model: ScriptedModel,
    pub comfy: Option<Stub>,
    pub runner: Arc<PlayedRunner>,
    /// Tokens of `studio`: of an owner, a stranger and an administrator.
    pub ada: String,
    pub eve: String,
    pub root: String,
    pub service: i64,
    /// Ada's workflow, and her session about it.
    pub workflow: i64,
    pub session: i64,
}

fn accounts(platform: Platform) -> Router {
    let all = auth_component::router(platform.clone());
    let all = runs_component::router(platform.clone()).fallback_service(all);
    let all = uploads::router(platform.clone()).fallback_service(all);
    let all = workflows::router(platform.clone()).fallback_service(all);
    sessions::router(platform).fallback_service(all)
}

impl Stage {
    pub async fn start() -> Self {
        Self::with(&text_to_image(512), 1).await
    }

    /// The same with a workflow of its own, and a time that runs so many times faster.
    pub async fn with(workflow: &Value, times: u32) -> Self {
        let model = ScriptedModel::start().await.unwrap();
        let comfy = Stub::start().await.unwrap();
        let base_url = model.base_url();
        let own = [("llm_base_url", base_url.as_str())];
        let app = Accounts::start_with(accounts, &own, &["ada", "eve", "root"]).await;
        let admin = "UPDATE users SET role = 'ADMIN' WHERE username = 'root'";
        app.sql(admin, Vec::new()).await;
        let runner = Arc::new(PlayedRunner::new(app.runner.clone()));
        let platform = Platform {
            http: runner::door(&runner),
            clock: Arc::new(LateClock::faster(times)),
            ..app.platform.clone()
        };
        let whole = studio::router(platform.clone()).fallback_service(accounts(platform.clone()));
        runner.edge.is(whole, platform);
        let mut stage = Self {
            ada: app.token(Way::Studio, "ada").await,
            eve: app.token(Way::Studio, "eve").await,
            root: app.token(Way::Studio, "root").await,
            accounts: app,
            model,
            runner,
            service: 0,
            workflow: 0,
            session: 0,
            comfy: None,
        };
        stage.furnish(&comfy.url(), workflow).await;
        stage.comfy = Some(comfy);
        stage
    }

    async fn furnish(&mut self, service: &str, workflow: &Value) {
        let body = json!({"name": "GPU", "url": service, "description": ""});
        let root = self.root.clone();
        let made = self.call(&root, "POST /api/v1/services", &body).await;
        self.service = made.done(200)["data"]["id"].as_i64().unwrap();
        let ada = self.ada.clone();
        self.workflow = self.make_workflow(&ada, workflow).await;
        self.session = self.make_session(&ada, self.workflow).await;
    }

    pub async fn make_workflow(&self, token: &str, data: &Value) -> i64 {
        let body = json!({"name": "Portraits", "description": "", "serviceId": self.service,
            "workflowData": data});
        let made = self.call(token, "POST /api/v1/workflows", &body).await;
        made.done(200)["data"]["id"].as_i64().unwrap()
    }

    pub async fn make_session(&self, token: &str, workflow: i64) -> i64 {
        let body = json!({"workflowId": workflow, "title": "Wide"});
        let made = self.call(token, "POST /api/v1/sessions", &body).await;
        made.done(200)["data"]["id"].as_i64().unwrap()
    }

    pub fn comfy(&self) -> &Stub {
        self.comfy.as_ref().expect("the service is there")
    }

    /// Sends a request to the studio.
    pub async fn open(&self, token: &str, line: &str, body: &Value) -> Response {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"));
        let body = match body {
            Value::Null => Body::empty(),
            body => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.runner.edge.send(request.body(body).unwrap()).await
    }

    pub async fn call(&self, token: &str, line: &str, body: &Value) -> Answer {
        Answer::read(self.open(token, line, body).await).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Value {
        let answer = self.call(token, &format!("GET {path}"), &Value::Null).await;
        answer.done(200)["data"].take()
    }

    /// Ada says something in her session.
    pub async fn say(&self, text: &str) -> Answer {
        let line = format!("POST /api/v1/sessions/{}/messages", self.session);
        self.call(&self.ada, &line, &json!({"content": text})).await
    }

    /// The workflow's JSON, as it is now.
    pub async fn data(&self) -> Value {
        let path = format!("/api/v1/workflows/{}", self.workflow);
        self.get(&self.ada, &path).await["workflowData"].take()
    }

    /// The versions of the workflow, newest first.
    pub async fn versions(&self) -> Vec<Value> {
        let path = format!("/api/v1/workflows/{}/versions", self.workflow);
        let listed = self.get(&self.ada, &path).await;
        listed.as_array().unwrap().clone()
    }

    /// Has the model call tools, one answer each, and say something at last.
    pub fn script(&self, calls: &[(&str, Value)], last: &str) {
        for (tool, arguments) in calls {
            self.model.push(Script::call(tool, arguments));
        }
        self.model.push(Script::answer(&[last]));
    }

    /// What the model was told last that each tool call came to.
    pub fn results(&self) -> Vec<String> {
        let requests = self.model.requests();
        let asked = &requests.last().unwrap().json["messages"];
        let results = asked.as_array().unwrap().iter();
        let results = results.filter(|message| message["role"] == "tool");
        let texts = results.map(|result| result["content"].as_str().unwrap().to_owned());
        texts.collect()
    }

    /// The result of the call number `number` of all.
    pub fn result(&self, number: usize) -> String {
        let results = self.results();
        let found = results.get(number).unwrap_or_else(|| panic!("{results:?}"));
        found.clone()
    }

    /// The one text that a statement gives.
    pub async fn one(&self, select: &str) -> String {
        let rows = self.accounts.sql(select, Vec::new()).await;
        rows[0].get(0).unwrap()
    }

    /// Waits until a statement gives a row.
    pub async fn until(&self, select: &str) {
        let waiting = async {
            while self.accounts.sql(select, Vec::new()).await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, waiting).await.expect(select);
    }
}
