//! Runs as they are, with a runner that the test plays: it has them executed as the real one does,
//! and says of sandboxes what it is told.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

pub mod ag_ui;

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use futures::{channel::mpsc, future};
use http::Request;
use model_stub::scripted::ScriptedModel;
use ports::{BoxFuture, ByteStream, Http, HttpError, Platform};
use runner_api::runs::{Drive, Executor, Passed, Told};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use test_app::{Accounts, Answer, Edge, LateClock, NOW, Reply, Way, aside, ndjson};

/// The runner, and the way to everything else.
pub struct PlayedRunner {
    sandboxes: test_app::Runner,
    models: Arc<dyn Http>,
    pub edge: Edge,
    /// Whether it is not there.
    pub away: AtomicBool,
    /// Whether it accepts runs, and has nothing executed.
    pub idle: AtomicBool,
    /// After how many lines it cuts off whoever hears a run.
    pub cut_after: AtomicUsize,
    /// What executions told, in order.
    pub events: Mutex<Vec<agent::Event>>,
    seq: AtomicU64,
}

impl PlayedRunner {
    /// Has a run executed once, from step `seen` on.
    pub async fn execute(&self, run: &str, seen: u64) -> Response {
        let run = run.parse().unwrap();
        self.edge.execute(Executor::Sandbox, run, seen).await
    }

    /// Has a run executed until it has ended or is gone.
    async fn drive(&self, drive: Drive, lines: mpsc::UnboundedSender<Passed>) {
        let told = self.edge.drive(&drive, |line| {
            if let Some(batch) = line.batch {
                self.pass_on(batch, line.room, &lines);
            }
            if let Some(end) = line.end {
                let last = Passed {
                    end: Some(end),
                    ..Passed::default()
                };
                drop(lines.unbounded_send(last));
            }
        });
        told.await;
    }

    fn pass_on(
        &self,
        batch: runner_api::runs::Batch,
        room: Vec<domain::Event>,
        lines: &mpsc::UnboundedSender<Passed>,
    ) {
        let known = batch.events.iter().cloned();
        let known = known.map(|event| serde_json::from_value(event).unwrap());
        self.events.lock().unwrap().extend(known);
        let told = room.into_iter().map(|event| Told {
            id: format!("1:{}", self.seq.fetch_add(1, Ordering::SeqCst) + 1),
            at: NOW,
            event,
        });
        let passed = Passed {
            room: told.collect(),
            batch: Some(batch),
            ..Passed::default()
        };
        drop(lines.unbounded_send(passed));
        if self.cut_after.fetch_sub(1, Ordering::SeqCst) == 1 {
            lines.close_channel();
        }
    }
}

/// The runner as the edge reaches it.
struct Door(Arc<PlayedRunner>);

impl Http for Door {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>> {
        let runner = Arc::clone(&self.0);
        if request.uri().port_u16() != Some(9) {
            return self.0.models.send(request);
        }
        if request.uri().path() != "/v1/runs" {
            return self.0.sandboxes.send(request);
        }
        if runner.away.load(Ordering::SeqCst) {
            let nobody = HttpError::Unreachable("nobody listens".to_owned());
            return Box::pin(future::ready(Err(nobody)));
        }
        let drive: Drive = serde_json::from_slice(request.body()).unwrap();
        let (sender, lines) = mpsc::unbounded();
        if !runner.idle.load(Ordering::SeqCst) {
            aside(move || async move { runner.drive(drive, sender).await });
        }
        Box::pin(future::ready(Ok(ndjson(lines))))
    }
}

pub struct Stage {
    pub accounts: Accounts,
    pub model: ScriptedModel,
    pub runner: Arc<PlayedRunner>,
    pub ada: String,
    pub eve: String,
    /// Ada's session.
    pub session: String,
}

fn accounts(platform: Platform) -> Router {
    sessions::router(platform.clone()).fallback_service(auth_component::router(platform))
}

impl Stage {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with some variables of its own.
    pub async fn with(own: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start().await.unwrap();
        let base_url = model.base_url();
        let own = [own, &[("llm_base_url", base_url.as_str())]].concat();
        let app = Accounts::start_with(accounts, &own, &["ada", "eve"]).await;
        let ada = app.token(Way::Workspace, "ada").await;
        let eve = app.token(Way::Workspace, "eve").await;
        let session = app.session(&ada).await;
        let runner = Arc::new(PlayedRunner {
            sandboxes: app.runner.clone(),
            models: Arc::new(platform_native::HyperHttp::new().unwrap()),
            edge: Edge::default(),
            away: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            cut_after: AtomicUsize::new(usize::MAX),
            events: Mutex::default(),
            seq: AtomicU64::new(0),
        });
        let platform = Platform {
            http: Arc::new(Door(Arc::clone(&runner))),
            clock: Arc::new(LateClock::default()),
            ..app.platform.clone()
        };
        let executor = executor::router(platform.clone());
        let router = runs_component::router(platform.clone()).fallback_service(executor);
        runner.edge.is(router, platform);
        let stage = Self {
            accounts: app,
            model,
            runner,
            ada,
            eve,
            session,
        };
        stage.furnish();
        stage
    }

    /// A sandbox with nothing in it, in which every command prints a line.
    fn furnish(&self) {
        let runner = &self.accounts.runner;
        let sandbox = json!({ "status": "running", "backend": "namespace", "network": false,
            "created_at": 0, "last_used_at": 0, "expires_at": 0 });
        let launched = json!({ "created": true, "sandbox": sandbox });
        runner.answers("PUT /v1/sandboxes/*", Reply::Json(200, launched));
        let absent = Reply::Problem(404, "There is no such file");
        runner.answers("GET /v1/sandboxes/*/files/stat", absent);
        let node = json!({ "name": "a.txt", "path": "a.txt", "type": "file", "size": 5,
            "modified_at": 0 });
        runner.answers("PUT /v1/sandboxes/*/files", Reply::Json(200, node));
        let lines = vec![
            "{\"type\":\"started\",\"id\":4}\n{\"type\":\"stdout\",\"text\":\"hello\\n\"}\n",
            "{\"type\":\"exited\",\"exit_code\":0,\"timed_out\":false,\"truncated\":false,\
             \"duration_ms\":5}\n",
        ];
        let ndjson = ("content-type", "application/x-ndjson");
        let ran = Reply::Bytes(200, vec![ndjson], lines, false);
        runner.answers("POST /v1/sandboxes/*/exec", ran);
    }

    /// Has every agent ask a model of a provider that takes so many questions a minute.
    pub async fn provide(&self, base_url: &str, a_minute: usize) {
        let uuid = "00000000-0000-7000-8000-000000000077";
        let provider = "INSERT INTO providers \
            (uuid, name, code, base_url, rate_limit, timeout_ms, created_at, updated_at) \
            VALUES (?1, 'P', 'p', ?2, ?3, 60000, 0, 0)";
        let a_minute = i64::try_from(a_minute).unwrap();
        let parameters = vec![uuid.into(), base_url.into(), a_minute.into()];
        self.accounts.sql(provider, parameters).await;
        let model = "INSERT INTO models \
            (uuid, provider_id, name, model_code, model_type, created_at, updated_at) \
            SELECT uuid, id, 'M', 'm', 'CHAT', 0, 0 FROM providers";
        self.accounts.sql(model, Vec::new()).await;
        let agents = "UPDATE agents SET model_id = (SELECT id FROM models)";
        self.accounts.sql(agents, Vec::new()).await;
    }

    /// Sends a request to the component.
    pub async fn open(&self, token: &str, line: &str, accept: &str, body: &Value) -> Response {
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(Body::from(body.to_string()))
            .unwrap();
        self.runner.edge.send(request).await
    }

    pub async fn call(&self, token: &str, line: &str, body: &Value) -> Answer {
        Answer::read(self.open(token, line, "application/json", body).await).await
    }

    /// Ada says something.
    pub async fn say(&self, text: &str) -> Answer {
        let body = json!({ "session_id": self.session, "content": text });
        self.call(&self.ada, "POST /api/v1/chat/messages", &body)
            .await
    }

    /// Stores a message whose run nobody executes yet; the run.
    pub async fn store(&self, text: &str) -> String {
        self.runner.idle.store(true, Ordering::SeqCst);
        let body = json!({ "session_id": self.session, "content": text });
        let line = "POST /api/v1/chat/messages";
        // It waits for the run's end, which does not come.
        let asking = self.open(&self.ada, line, "text/event-stream", &body);
        drop(asking.await);
        self.runner.idle.store(false, Ordering::SeqCst);
        self.one("SELECT uuid FROM runs ORDER BY id DESC LIMIT 1")
            .await
    }

    /// The messages of Ada's session, as the component `sessions` lists them.
    pub async fn messages(&self) -> Value {
        let line = format!("GET /api/v1/sessions/{}/messages", self.session);
        let answer = self.accounts.call_as(&self.ada, &line, &Value::Null);
        answer.await.done(200)
    }

    /// The one text that a statement gives.
    pub async fn one(&self, select: &str) -> String {
        let rows = self.accounts.sql(select, Vec::new()).await;
        rows[0].get(0).unwrap()
    }

    /// The texts that a statement gives.
    pub async fn all(&self, select: &str) -> Vec<String> {
        let rows = self.accounts.sql(select, Vec::new()).await;
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }

    /// Waits until a statement gives a row.
    pub async fn until(&self, select: &str) {
        let waiting = async {
            while self.accounts.sql(select, Vec::new()).await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .expect(select);
    }

    /// The words of every event so far, checked for their order.
    pub fn checked_events(&self) -> Vec<agent::Event> {
        let events = std::mem::take(&mut *self.runner.events.lock().unwrap());
        agent::order::check(&events).unwrap_or_else(|fault| panic!("{fault}: {events:#?}"));
        events
    }
}
