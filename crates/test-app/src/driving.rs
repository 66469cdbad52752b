//! The runner's end of runs: it has the edge execute them, and reads their lines.

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use ports::{ByteStream, Platform};
use runner_api::runs::{Drive, Ending, Execute, Executor, Line};
use serde::Serialize;
use serde_json::Value;
use std::{sync::OnceLock, time::Duration};
use uuid::Uuid;

use crate::RUNNER_TOKEN;

/// How soon a run is asked for again that somebody else executes.
const SOON: Duration = Duration::from_millis(20);

/// The edge behind a runner that a test plays. Each needs the other, so it comes later.
#[derive(Default)]
pub struct Edge(OnceLock<(Router, Platform)>);

impl Edge {
    /// This is the edge.
    pub fn is(&self, router: Router, platform: Platform) {
        assert!(self.0.set((router, platform)).is_ok(), "there is one edge");
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Response {
        let (router, platform) = self.0.get().expect("an edge");
        web::serve(router, &*platform.variables, request).await
    }

    /// Asks with JSON, and a bearer token.
    pub async fn ask(&self, method: Method, path: &str, body: String, token: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body));
        self.send(request.expect("a request")).await
    }

    /// Has a run executed once, from step `seen` on.
    pub async fn execute(&self, by: Executor, run: Uuid, seen: u64) -> Response {
        let body = serde_json::to_string(&Execute { seen }).expect("JSON");
        self.ask(Method::POST, &by.path(run), body, RUNNER_TOKEN)
            .await
    }

    /// Has a run executed until it has ended or is gone; `told` hears every line.
    pub async fn drive(&self, drive: &Drive, mut told: impl FnMut(Line)) {
        let mut seen = 0;
        loop {
            let response = self.execute(drive.executor, drive.run, seen).await;
            match response.status() {
                StatusCode::OK => {}
                StatusCode::CONFLICT => {
                    tokio::time::sleep(SOON).await;
                    continue;
                }
                StatusCode::NOT_FOUND => return,
                status => panic!("{status}"),
            }
            let mut lines = Lines::of(response);
            while let Some(line) = lines.next().await {
                let step = line.batch.as_ref().and_then(|batch| batch.step);
                seen = step.unwrap_or_default().max(seen);
                let ended = line.end.is_some();
                told(line);
                if ended {
                    return;
                }
            }
        }
    }
}

/// Does something aside: what serves requests stays on its thread.
pub fn aside<F: Future>(work: impl FnOnce() -> F + Send + 'static) {
    let here = tokio::runtime::Handle::current();
    std::thread::spawn(move || drop(here.block_on(work())));
}

/// An answer of lines of JSON.
pub fn ndjson<T: Serialize>(
    lines: impl Stream<Item = T> + Send + 'static,
) -> http::Response<ByteStream> {
    let lines = lines.map(|line| {
        let mut line = serde_json::to_vec(&line).expect("JSON");
        line.push(b'\n');
        Ok(Bytes::from(line))
    });
    http::Response::new(lines.boxed())
}

/// The lines of an execution.
pub struct Lines {
    body: Body,
    begun: Vec<u8>,
}

impl Lines {
    /// Those of that answer.
    #[must_use]
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            begun: Vec::new(),
        }
    }

    /// The next line.
    pub async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("a line"));
            }
            let frame = self.body.frame().await?.expect("a whole answer");
            if let Ok(data) = frame.into_data() {
                self.begun.extend_from_slice(&data);
            }
        }
    }

    /// All that is still told, up to the end: the events, and how the run ended.
    pub async fn to_the_end(&mut self) -> (Vec<Value>, Ending) {
        let mut events = Vec::new();
        loop {
            let line = self.told().await.expect("an end");
            if let Some(end) = line.end {
                return (events, end);
            }
            events.extend(line.batch.into_iter().flat_map(|batch| batch.events));
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
