//! Edges: one that the test plays byte by byte, one that answers and keeps a record.

use crate::wire::Wire;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
};

const MIGRATE: &str = "POST /internal/migrate ";
const UNFINISHED: &str = "GET /internal/runs?unfinished";

/// Has every request that comes to the listener answered.
pub(crate) fn serve<A, F, B>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
}

/// An edge played by the test. Calls to migrate, and for runs, are answered by itself.
pub(crate) struct PlayedEdge {
    pub(crate) address: SocketAddr,
    requests: UnboundedReceiver<Asked>,
}

/// A request that reached the edge, and the connection that it came on.
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) wire: Wire,
}

impl PlayedEdge {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(play(Wire::new(stream), asked.clone()));
            }
        });
        Self { address, requests }
    }

    /// The next request that the front door passes on.
    pub(crate) async fn next(&mut self) -> Asked {
        self.requests.recv().await.unwrap()
    }
}

async fn play(mut wire: Wire, asked: UnboundedSender<Asked>) {
    loop {
        let head = wire.read_until("\r\n\r\n").await;
        if head.starts_with(UNFINISHED) {
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"runs\":[]}")
                .await;
            continue;
        }
        if !head.starts_with(MIGRATE) {
            if !head.is_empty() {
                let _ = asked.send(Asked { head, wire });
            }
            return;
        }
        wire.write("HTTP/1.1 204 No Content\r\n\r\n").await;
    }
}

/// What reached a [`RecordingEdge`].
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: http::HeaderMap,
    /// Nothing, where the body broke off.
    pub(crate) body: Option<Bytes>,
}

/// An edge that answers 200 to everything, migrates as told, and keeps a record.
#[derive(Clone)]
pub(crate) struct RecordingEdge {
    pub(crate) address: SocketAddr,
    records: Arc<Mutex<Vec<Recorded>>>,
}

impl RecordingEdge {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), &[]).await
    }

    /// Listens at `address`, and answers to the first calls to migrate with `migrations`.
    pub(crate) async fn start_at(address: SocketAddr, migrations: &[u16]) -> Self {
        Self::start_planned(address, "/internal/migrate", migrations).await
    }

    /// Listens at `address`, and answers to the first requests for `target` with `statuses`.
    pub(crate) async fn start_planned(
        address: SocketAddr,
        target: &'static str,
        statuses: &[u16],
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let edge = Self {
            address,
            records: Arc::default(),
        };
        let serving = edge.clone();
        let statuses: Arc<Mutex<Vec<u16>>> =
            Arc::new(Mutex::new(statuses.iter().rev().copied().collect()));
        serve(listener, move |request| {
            let (edge, statuses) = (serving.clone(), statuses.clone());
            async move { edge.answer(request, target, &statuses).await }
        });
        edge
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        planned: &str,
        statuses: &Mutex<Vec<u16>>,
    ) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .ok()
            .map(http_body_util::Collected::to_bytes);
        let target = parts.uri.to_string();
        let mut status = StatusCode::OK;
        if target == planned {
            let planned = statuses.lock().unwrap().pop().unwrap_or(200);
            status = StatusCode::from_u16(planned).unwrap();
        }
        let method = parts.method.to_string();
        self.records.lock().unwrap().push(Recorded {
            method,
            target,
            headers: parts.headers,
            body,
        });
        let answer = Response::builder()
            .status(status)
            .header("x-atelier-secret", "s");
        answer.body(Full::from("fine")).unwrap()
    }

    /// What came through the front door.
    pub(crate) fn passed_on(&self) -> Vec<Recorded> {
        let mut records = self.records.lock().unwrap().clone();
        records.retain(|record| record.headers.contains_key("x-atelier-runner-token"));
        records
    }

    /// What the runner asked itself.
    pub(crate) fn asked_by_runner(&self) -> Vec<Recorded> {
        let mut records = self.records.lock().unwrap().clone();
        records.retain(|record| !record.headers.contains_key("x-atelier-runner-token"));
        // Runs are looked for all the time.
        records.retain(|record| !record.target.starts_with("/internal/runs"));
        records
    }
}
