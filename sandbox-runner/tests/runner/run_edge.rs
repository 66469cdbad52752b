//! An edge that executes runs as the test tells it, and lets everybody into the one room.

use crate::{
    edge::serve,
    room_edge::{SESSION, now},
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
};
use runner_api::{edge::Admitted, runs::Execute};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::watch};

/// What the edge answers to one request for an execution.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    /// These lines, and the end of the body.
    Lines(Vec<Value>),
    /// These lines, and nothing more.
    Hang(Vec<Value>),
    /// These lines, and a reset.
    Reset(Vec<Value>),
    /// This status.
    Status(u16, Value),
}

/// A line that tells a step by statuses of these names.
pub(crate) fn step(number: impl Into<Value>, names: &[&str]) -> Value {
    let room = names.iter();
    let room: Vec<_> = room
        .map(|name| json!({"type": "status", "status": name}))
        .collect();
    let events: Vec<_> = names.iter().map(|name| json!({"type": name})).collect();
    json!({"batch": {"step": number.into(), "events": events}, "room": room})
}

pub(crate) fn end() -> Value {
    json!({"end": {"outcome": "succeeded", "reason": "completed", "detail": "done"}})
}

#[derive(Clone)]
pub(crate) struct RunEdge {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    plays: Mutex<VecDeque<Play>>,
    /// The steps that the runner said it had passed on, one for each request.
    seen: watch::Sender<Vec<u64>>,
    unfinished: Mutex<Vec<Value>>,
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl RunEdge {
    pub(crate) async fn start(plays: Vec<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            plays: Mutex::new(plays.into()),
            seen: watch::Sender::default(),
            unfinished: Mutex::default(),
        });
        let serving = state.clone();
        serve(listener, move |request| {
            let state = serving.clone();
            async move { state.answer(request).await }
        });
        Self { address, state }
    }

    /// From now on that run is unfinished.
    pub(crate) fn leave_unfinished(&self, run: &str) {
        self.leave_unfinished_of(1, run);
    }

    /// The same of a run of that user.
    pub(crate) fn leave_unfinished_of(&self, user: i64, run: &str) {
        let run = json!({"run": run, "session": SESSION, "user": user, "age": 0});
        self.state.unfinished.lock().unwrap().push(run);
    }

    pub(crate) fn play(&self, play: Play) {
        self.state.plays.lock().unwrap().push_back(play);
    }

    /// What the runner said it had passed on, when it has asked so often.
    pub(crate) async fn seen(&self, requests: usize) -> Vec<u64> {
        let mut seen = self.state.seen.subscribe();
        let asked = seen.wait_for(|seen| seen.len() >= requests);
        let asked = tokio::time::timeout(crate::client::LONG, asked).await;
        asked.expect("the runner asks").unwrap().clone()
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        match parts.uri.path() {
            "/internal/rooms/enter" => whole(
                200,
                &json!(Admitted {
                    session: SESSION,
                    user: 1,
                    login: 1,
                    expires_at: now() + 3_600_000,
                }),
            ),
            "/internal/logins/ended" => whole(200, &json!({"logins": []})),
            "/internal/runs" => {
                assert!(parts.uri.query().unwrap().starts_with("unfinished"));
                whole(200, &json!({"runs": *self.unfinished.lock().unwrap()}))
            }
            path if path.starts_with("/internal/runs/") => {
                let asked: Execute = serde_json::from_slice(&body).unwrap();
                let play = self.plays.lock().unwrap().pop_front();
                self.seen.send_modify(|seen| seen.push(asked.seen));
                played(play.unwrap_or(Play::Status(404, json!({}))))
            }
            _ => whole(200, &json!({})),
        }
    }
}

fn played(play: Play) -> Response<Body> {
    let (lines, rest) = match play {
        Play::Status(status, body) => return whole(status, &body),
        Play::Lines(lines) => (lines, stream::empty().boxed()),
        Play::Hang(lines) => (lines, stream::pending().boxed()),
        Play::Reset(lines) => {
            let reset = Err(io::Error::other("a reset"));
            (lines, stream::iter([reset]).boxed())
        }
    };
    let lines = lines
        .into_iter()
        .map(|line| Ok(Frame::data(Bytes::from(format!("{line}\n")))));
    let body = StreamBody::new(stream::iter(lines).chain(rest));
    Response::new(body.boxed_unsync())
}

fn whole(status: u16, body: &Value) -> Response<Body> {
    let body = http_body_util::Full::from(body.to_string());
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
