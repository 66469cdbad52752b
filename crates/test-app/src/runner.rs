//! The runner's end of everything but mail: answers as it is told, and keeps what it was asked.

use bytes::Bytes;
use futures::{FutureExt, StreamExt, future, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use ports::{BoxFuture, ByteStream, Http, HttpError};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::Mailbox;

/// A request as the runner got it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// The query, not decoded; empty without one.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Asked {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the runner does.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with JSON.
    Json(u16, Value),
    /// Refuses in words for the person.
    Problem(u16, &'static str),
    /// Answers with these headers and these pieces; by `true` it then goes on, silently.
    Bytes(
        u16,
        Vec<(&'static str, &'static str)>,
        Vec<&'static str>,
        bool,
    ),
    /// Begins an answer that breaks off.
    Broken,
    /// Is not there.
    Unreachable,
    /// Never answers.
    Silence,
}

/// The runner. Cheap to clone; clones share what it was told and asked.
#[derive(Clone, Default)]
pub struct Runner {
    state: Arc<Mutex<State>>,
    mailbox: Mailbox,
}

#[derive(Default)]
struct State {
    replies: Vec<(String, Reply)>,
    asked: Vec<Asked>,
}

impl Runner {
    /// A runner whose letters go to `mailbox`.
    #[must_use]
    pub fn with(mailbox: Mailbox) -> Self {
        Self {
            state: Arc::default(),
            mailbox,
        }
    }

    /// From now on it answers requests of `line` so: a method and a path, where `*` is any
    /// segment. What nobody said anything about is not there.
    pub fn answers(&self, line: &str, reply: Reply) {
        let mut state = self.state.lock().expect("the runner");
        state.replies.insert(0, (line.to_owned(), reply));
    }

    /// What it was asked, and forgets it.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().expect("the runner").asked)
    }

    /// The only request since it was last looked.
    #[must_use]
    pub fn asked_once(&self) -> Asked {
        let mut asked = self.asked();
        let lines: Vec<_> = asked.iter().map(|asked| asked.line.clone()).collect();
        assert_eq!(asked.len(), 1, "{lines:?}");
        asked.remove(0)
    }

    fn reply(&self, request: &Request<Bytes>) -> Reply {
        let (method, uri) = (request.method(), request.uri());
        let line = format!("{method} {}", uri.path());
        let mut state = self.state.lock().expect("the runner");
        let mut replies = state.replies.iter();
        let reply = replies
            .find(|(pattern, _)| fits(pattern, &line))
            .map_or(Reply::Unreachable, |(_, reply)| reply.clone());
        state.asked.push(Asked {
            line,
            query: uri.query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
            body: request.body().clone(),
        });
        let token = request.headers().get(header::AUTHORIZATION);
        if token.is_none_or(|token| token != "Bearer a-token-for-tests") {
            return Reply::Problem(401, "Wrong runner token");
        }
        reply
    }
}

impl Http for Runner {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, HttpError>> {
        if (request.method(), request.uri().path()) == (&Method::POST, "/v1/mail") {
            return self.mailbox.send(request);
        }
        let broken = || Err(HttpError::Broken("a reset".to_owned()));
        match self.reply(&request) {
            Reply::Json(status, body) => answer(status, "application/json", body.to_string()),
            Reply::Problem(status, detail) => {
                let body = json!({ "type": "about:blank", "title": "T", "status": status,
                    "detail": detail, "instance": "/v1" });
                answer(status, "application/problem+json", body.to_string())
            }
            Reply::Bytes(status, headers, pieces, goes_on) => {
                let pieces = pieces.into_iter();
                let pieces = pieces.map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
                let rest = if goes_on {
                    stream::pending().boxed()
                } else {
                    stream::empty().boxed()
                };
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let body = stream::iter(pieces).chain(rest).boxed();
                future::ready(Ok(response.body(body).expect("an answer"))).boxed()
            }
            Reply::Broken => {
                let response = Response::new(stream::iter([broken()]).boxed());
                future::ready(Ok(response)).boxed()
            }
            Reply::Unreachable => {
                let nobody = HttpError::Unreachable("nobody listens".to_owned());
                future::ready(Err(nobody)).boxed()
            }
            Reply::Silence => future::pending().boxed(),
        }
    }
}

fn answer(
    status: u16,
    media_type: &'static str,
    body: String,
) -> BoxFuture<'static, Result<Response<ByteStream>, HttpError>> {
    let mut response = Response::new(stream::iter([Ok(Bytes::from(body))]).boxed());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let media_type = http::HeaderValue::from_static(media_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    if status == 503 {
        let seconds = http::HeaderValue::from_static("7");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    future::ready(Ok(response)).boxed()
}

fn fits(pattern: &str, line: &str) -> bool {
    let (mut expected, mut found) = (pattern.split('/'), line.split('/'));
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == "*" || expected == found => {}
            _ => return false,
        }
    }
}
