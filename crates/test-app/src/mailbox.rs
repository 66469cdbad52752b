//! The runner's end of mail: takes letters and keeps them, or fails as it is told.

use bytes::Bytes;
use futures::{FutureExt, StreamExt, future, stream};
use http::{Method, Request, Response, StatusCode, header};
use ports::{BoxFuture, ByteStream, Http, HttpError};
use serde::Deserialize;
use std::sync::{Arc, Mutex};

/// A letter as the runner gets it.
#[derive(Clone, Debug, Deserialize)]
pub struct Letter {
    /// Whom it is to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// Whether it is to be thrown away.
    pub discard: bool,
}

impl Letter {
    /// The code in it: six digits in a line of their own. Empty where there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let mut lines = self.text.lines().map(str::trim);
        let code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        lines.find(code).unwrap_or_default().to_owned()
    }
}

/// How mail can fail.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The runner answers with this status.
    Status(u16),
    /// There is no runner.
    Unreachable,
    /// The runner never answers.
    Silence,
}

/// The runner that takes letters. Cheap to clone; clones share the letters.
#[derive(Clone, Default)]
pub struct Mailbox {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    letters: Vec<Letter>,
    fault: Option<Fault>,
}

impl Mailbox {
    /// From now on it fails, or, by `None`, works again.
    pub fn fail(&self, fault: Option<Fault>) {
        self.state.lock().expect("the mailbox").fault = fault;
    }

    /// All letters, the newest last.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.state.lock().expect("the mailbox").letters.clone()
    }

    /// The newest letter.
    #[must_use]
    pub fn last(&self) -> Letter {
        self.letters().pop().expect("a letter")
    }

    fn take(&self, request: &Request<Bytes>) -> StatusCode {
        let token = request.headers().get(header::AUTHORIZATION);
        if (request.method(), request.uri().path()) != (&Method::POST, "/v1/mail") {
            return StatusCode::NOT_FOUND;
        }
        if token.is_none_or(|token| token != "Bearer a-token-for-tests") {
            return StatusCode::UNAUTHORIZED;
        }
        let letter = serde_json::from_slice(request.body()).expect("a letter");
        let mut state = self.state.lock().expect("the mailbox");
        state.letters.push(letter);
        StatusCode::ACCEPTED
    }
}

impl Http for Mailbox {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, HttpError>> {
        let fault = self.state.lock().expect("the mailbox").fault;
        let status = match fault {
            None => self.take(&request),
            Some(Fault::Status(status)) => StatusCode::from_u16(status).expect("a status"),
            Some(Fault::Unreachable) => {
                return future::ready(Err(HttpError::Unreachable("nobody listens".to_owned())))
                    .boxed();
            }
            Some(Fault::Silence) => return future::pending().boxed(),
        };
        let mut response = Response::new(stream::empty().boxed());
        *response.status_mut() = status;
        future::ready(Ok(response)).boxed()
    }
}
