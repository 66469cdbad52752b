//! An edge that says who may enter rooms, as the test tells it, and keeps what it was asked.

use crate::edge::serve;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use runner_api::edge::{Admitted, Enter, Logins, Said, Sessions};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::watch};
use uuid::Uuid;

/// The one session that there is.
pub(crate) const SESSION: Uuid = Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0007);

/// The room of a user.
pub(crate) fn room_of(user: i64) -> Uuid {
    Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0001_0000 + u128::try_from(user).unwrap())
}

/// Tokens `user-N` are of user N and login N, for an hour.
#[derive(Clone)]
pub(crate) struct RoomEdge {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    asked: Mutex<Vec<Enter>>,
    ended: Mutex<HashSet<i64>>,
    used_tickets: Mutex<HashSet<String>>,
    /// Whether the session is gone, and which ones were asked about.
    deleted: Mutex<bool>,
    asked_about: Mutex<HashSet<Uuid>>,
    /// When the tokens of a user end.
    ends: Mutex<HashMap<i64, i64>>,
    /// How often logins were asked for.
    checks: watch::Sender<u64>,
    broken: Mutex<Option<StatusCode>>,
    /// What was said on sockets, as often as it was asked.
    said: watch::Sender<Vec<Said>>,
    /// The answers by the id of what was said: the same again is not done again.
    done: Mutex<HashMap<String, Value>>,
    /// Whether what is said is answered at all.
    open: watch::Sender<bool>,
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

impl RoomEdge {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            asked: Mutex::default(),
            ended: Mutex::default(),
            used_tickets: Mutex::default(),
            deleted: Mutex::default(),
            asked_about: Mutex::default(),
            ends: Mutex::default(),
            checks: watch::Sender::new(0),
            broken: Mutex::default(),
            said: watch::Sender::new(Vec::new()),
            done: Mutex::default(),
            open: watch::Sender::new(true),
        });
        let serving = state.clone();
        serve(listener, move |request| {
            let state = serving.clone();
            async move { state.answer(request).await }
        });
        Self { address, state }
    }

    /// Everything that was asked about entering.
    pub(crate) fn asked(&self) -> Vec<Enter> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Logs somebody out.
    pub(crate) fn revoke(&self, login: i64) {
        self.state.ended.lock().unwrap().insert(login);
    }

    /// Deletes the session, without a word to the runner.
    pub(crate) fn delete_session(&self) {
        *self.state.deleted.lock().unwrap() = true;
    }

    /// Whether the runner asked if that session is gone.
    pub(crate) fn asked_about(&self, session: Uuid) -> bool {
        self.state.asked_about.lock().unwrap().contains(&session)
    }

    /// Tokens of `user` end at that time.
    pub(crate) fn expire(&self, user: i64, at: i64) {
        self.state.ends.lock().unwrap().insert(user, at);
    }

    /// Answers nothing but this from now on.
    pub(crate) fn break_down(&self, status: Option<StatusCode>) {
        *self.state.broken.lock().unwrap() = status;
    }

    /// Waits until so many things were said on sockets, and says which.
    pub(crate) async fn said(&self, count: usize) -> Vec<Said> {
        let mut said = self.state.said.subscribe();
        let said = said.wait_for(|said| said.len() >= count);
        tokio::time::timeout(crate::client::LONG, said)
            .await
            .expect("something is said")
            .unwrap()
            .clone()
    }

    /// How many different things were done of what was said.
    pub(crate) fn done(&self) -> usize {
        self.state.done.lock().unwrap().len()
    }

    /// Answers nothing that is said on sockets, or answers again.
    pub(crate) fn hold(&self, held: bool) {
        self.state.open.send_replace(!held);
    }

    /// Waits until logins were checked twice more: the second time after now.
    pub(crate) async fn checked(&self) {
        let mut checks = self.state.checks.subscribe();
        let now = *checks.borrow();
        checks.wait_for(|count| *count >= now + 2).await.unwrap();
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        if let Some(status) = *self.broken.lock().unwrap() {
            return answer(status, &json!({}));
        }
        assert!(
            parts.headers["authorization"]
                .to_str()
                .unwrap()
                .starts_with("Bearer ")
                || parts.headers.contains_key("x-atelier-runner-token"),
            "the runner says who it is"
        );
        match parts.uri.path() {
            "/internal/rooms/enter" => self.enter(&serde_json::from_slice(&body).unwrap()),
            "/internal/logins/ended" => {
                let open: Logins = serde_json::from_slice(&body).unwrap();
                let ended = self.ended.lock().unwrap();
                let ended = open.logins.into_iter().filter(|one| ended.contains(one));
                let answered = answer(
                    StatusCode::OK,
                    &json!({ "logins": ended.collect::<Vec<_>>() }),
                );
                self.checks.send_modify(|count| *count += 1);
                answered
            }
            "/internal/sandboxes/unowned" => {
                let asked: Sessions = serde_json::from_slice(&body).unwrap();
                let mut asked_about = self.asked_about.lock().unwrap();
                asked_about.extend(&asked.sessions);
                let deleted = *self.deleted.lock().unwrap();
                let gone = asked.sessions.into_iter();
                let gone = gone.filter(|session| deleted || *session != SESSION);
                let sessions = gone.collect();
                answer(StatusCode::OK, &json!(Sessions { sessions }))
            }
            "/internal/sockets/codex" => {
                let said: Said = serde_json::from_slice(&body).unwrap();
                self.said.send_modify(|all| all.push(said.clone()));
                let mut open = self.open.subscribe();
                open.wait_for(|open| *open).await.unwrap();
                let id = said.id.unwrap();
                let mut done = self.done.lock().unwrap();
                let number = done.len() + 1;
                let result = json!({ "submission_id": id, "number": number });
                let result = done.entry(id).or_insert(result);
                let frame = json!({ "type": "event", "timestamp": 1, "payload": result });
                answer(StatusCode::OK, &json!({ "frames": [frame] }))
            }
            "/internal/sockets/studio" => {
                let said: Said = serde_json::from_slice(&body).unwrap();
                self.said.send_modify(|all| all.push(said.clone()));
                let code = match (&said.payload["type"], &said.payload["sessionId"]) {
                    (kind, _) if kind != "SEND_MESSAGE" => Some(400),
                    (_, session) if session == 404 => Some(404),
                    _ => None,
                };
                let error = |code| json!({ "type": "ERROR", "code": code, "message": "no" });
                let frames: Vec<Value> = code.map(error).into_iter().collect();
                answer(StatusCode::OK, &json!({ "frames": frames }))
            }
            _ => answer(StatusCode::OK, &json!({})),
        }
    }

    fn enter(&self, enter: &Enter) -> Response<Full<Bytes>> {
        self.asked.lock().unwrap().push(enter.clone());
        let problem = |status: StatusCode| {
            let text = format!("the edge says {}", status.as_u16());
            answer(
                status,
                &json!({ "status": status.as_u16(), "detail": text }),
            )
        };
        if enter.origin.as_deref().is_some_and(|origin| {
            Some(origin.trim_start_matches("http://")) != enter.host.as_deref()
        }) {
            return problem(StatusCode::FORBIDDEN);
        }
        let Some(user) = self.user_of(enter) else {
            return problem(StatusCode::UNAUTHORIZED);
        };
        let session = match enter.path.as_str() {
            "/ws/chat" => room_of(user),
            _ if enter.session == SESSION.to_string() => SESSION,
            _ => return problem(StatusCode::NOT_FOUND),
        };
        let ends = self.ends.lock().unwrap().get(&user).copied();
        let admitted = Admitted {
            session,
            user,
            login: user,
            expires_at: ends.unwrap_or_else(|| now() + 3_600_000),
        };
        answer(StatusCode::OK, &serde_json::to_value(admitted).unwrap())
    }

    fn user_of(&self, enter: &Enter) -> Option<i64> {
        let bearer = enter.authorization.as_deref();
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let cookie = enter.cookie.as_deref();
        let cookie = cookie.and_then(|value| value.strip_prefix("access_token="));
        let ticket = enter.ticket.as_deref().filter(|ticket| {
            let mut used = self.used_tickets.lock().unwrap();
            used.insert((*ticket).to_owned())
        });
        let token = bearer.or(cookie).or(ticket).or(enter.token.as_deref())?;
        let (_, number) = token.split_once("user-")?;
        number.split('-').next()?.parse().ok()
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let kind = if status.is_success() {
        "application/json"
    } else {
        "application/problem+json"
    };
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Full::from(body.to_string()))
        .unwrap()
}
