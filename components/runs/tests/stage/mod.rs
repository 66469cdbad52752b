//! Runs as they are, with a runner that the test plays: it has them executed as the real one does,
//! and says of sandboxes what it is told.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use futures::{StreamExt, channel::mpsc, future};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use model_stub::scripted::ScriptedModel;
use ports::{BoxFuture, ByteStream, Clock, Http, HttpError, Platform};
use runner_api::runs::{Drive, Execute, Line, Passed, Told};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use test_app::{Accounts, Answer, NOW, Reply, Way};

const TOKEN: &str = "Bearer a-token-for-tests";

/// Real time, which begins when the tests' accounts do.
struct LateClock(Instant);

impl Clock for LateClock {
    fn now(&self) -> i64 {
        NOW + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The runner, and the way to everything else.
pub struct PlayedRunner {
    sandboxes: test_app::Runner,
    models: Arc<dyn Http>,
    chat: OnceLock<(Router, Platform)>,
    /// Whether it is not there.
    pub away: AtomicBool,
    /// Whether it accepts runs, and has nothing executed.
    pub idle: AtomicBool,
    /// What executions told, in order.
    pub events: Mutex<Vec<agent::Event>>,
    seq: AtomicU64,
}

impl PlayedRunner {
    /// Asks the edge, as the runner does.
    pub async fn ask(&self, method: Method, path: &str, body: String, token: &str) -> Response {
        let (router, platform) = self.chat.get().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", token)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        web::serve(router, &*platform.variables, request).await
    }

    /// Has a run executed once, from step `seen` on.
    pub async fn execute(&self, run: &str, seen: u64) -> Response {
        let body = serde_json::to_string(&Execute { seen }).unwrap();
        self.ask(Method::POST, &format!("/internal/runs/{run}"), body, TOKEN)
            .await
    }

    /// Has a run executed until it has ended or is gone.
    async fn drive(&self, drive: Drive, lines: mpsc::UnboundedSender<Passed>) {
        let mut seen = 0;
        loop {
            let response = self.execute(&drive.run.to_string(), seen).await;
            let status = response.status();
            match status {
                StatusCode::OK => {}
                StatusCode::CONFLICT => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
                StatusCode::NOT_FOUND => return,
                _ => panic!("{status}"),
            }
            let mut told = Lines::of(response);
            while let Some(line) = told.next().await {
                if let Some(end) = line.end {
                    let last = Passed {
                        end: Some(end),
                        ..Passed::default()
                    };
                    drop(lines.unbounded_send(last));
                    return;
                }
                if let Some(batch) = line.batch {
                    seen = batch.step.unwrap_or_default().max(seen);
                    self.pass_on(batch, line.room, &lines);
                }
            }
        }
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
            // What serves requests stays on its thread.
            let here = tokio::runtime::Handle::current();
            std::thread::spawn(move || here.block_on(runner.drive(drive, sender)));
        }
        let body = lines.map(|passed: Passed| {
            let mut line = serde_json::to_vec(&passed).unwrap();
            line.push(b'\n');
            Ok(Bytes::from(line))
        });
        Box::pin(future::ready(Ok(http::Response::new(body.boxed()))))
    }
}

/// The lines of an execution.
pub struct Lines {
    body: Body,
    begun: Vec<u8>,
}

impl Lines {
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            begun: Vec::new(),
        }
    }

    pub async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = self.body.frame().await?.unwrap();
            self.begun.extend_from_slice(&frame.into_data().unwrap());
        }
    }

    /// The next line that is no beat.
    pub async fn told(&mut self) -> Option<Line> {
        loop {
            let line = self.next().await?;
            if !line.beat {
                return Some(line);
            }
        }
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
        let app = Accounts::start(accounts, &own).await;
        for name in ["ada", "eve"] {
            app.sign_up(name).await;
        }
        let ada = app.token(Way::Workspace, "ada").await;
        let eve = app.token(Way::Workspace, "eve").await;
        let made = app.call_as(&ada, "POST /api/v1/sessions", &Value::Null);
        let session = made.await.done(201)["id"].as_str().unwrap().to_owned();
        let runner = Arc::new(PlayedRunner {
            sandboxes: app.runner.clone(),
            models: Arc::new(platform_native::HyperHttp::new().unwrap()),
            chat: OnceLock::new(),
            away: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            events: Mutex::default(),
            seq: AtomicU64::new(0),
        });
        let platform = Platform {
            http: Arc::new(Door(Arc::clone(&runner))),
            clock: Arc::new(LateClock(Instant::now())),
            ..app.platform.clone()
        };
        let chat = (runs_component::router(platform.clone()), platform);
        assert!(runner.chat.set(chat).is_ok());
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

    /// Sends a request to the component.
    pub async fn open(&self, token: &str, line: &str, accept: &str, body: &Value) -> Response {
        let (method, path) = line.split_once(' ').unwrap();
        let (router, platform) = self.runner.chat.get().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(Body::from(body.to_string()))
            .unwrap();
        web::serve(router, &*platform.variables, request).await
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
