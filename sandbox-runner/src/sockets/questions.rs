//! What a client of a socket wants, asked of the edge: one after the other, in the order in which
//! it was said, while events go on.
//!
//! Invariant: what the edge was asked is not taken back when the socket ends; what waits for its
//! turn is asked as well when it is the client who left.

use super::dialect::{Dialect, Question};
use crate::edge::{Answer, AskError, Asking, Edge};
use contracts::Problem;
use domain::{Error, ErrorKind};
use http::StatusCode;
use runner_api::edge::{Admitted, Replies, Said};
use std::{collections::VecDeque, error::Error as StdError, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The most that waits on one socket: questions, and bytes of them.
const WAITING: usize = 16;
const WAITING_BYTES: usize = 512 * 1024;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// Whose words the answers are in.
    pub(super) dialect: Dialect,
    /// The session, of a socket of one.
    pub(super) session: Option<Uuid>,
    pub(super) user: i64,
    pub(super) login: i64,
}

/// The questions of one socket.
#[derive(Debug)]
pub(super) struct Questions {
    asker: Asker,
    edge: Arc<Edge>,
    /// How long the edge may take for one.
    within: Duration,
    waiting: VecDeque<Question>,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    id: Option<String>,
    answer: JoinHandle<Result<Answer, AskError>>,
}

impl Asker {
    /// Somebody who was let in, and speaks `dialect`.
    pub(super) fn new(dialect: Dialect, admitted: &Admitted) -> Self {
        Self {
            dialect,
            session: (dialect != Dialect::Studio).then_some(admitted.session),
            user: admitted.user,
            login: admitted.login,
        }
    }
}

impl Questions {
    pub(super) fn new(asker: Asker, edge: Arc<Edge>, within: Duration) -> Self {
        Self {
            asker,
            edge,
            within,
            waiting: VecDeque::new(),
            under_way: None,
        }
    }

    /// Takes a question. The frame that says so where too many wait.
    pub(super) fn put(&mut self, question: Question) -> Option<String> {
        let bytes: usize = self.waiting.iter().map(|one| one.size).sum();
        let fits = bytes.saturating_add(question.size) <= WAITING_BYTES;
        if self.waiting.len() >= WAITING || !fits {
            let detail = "Too many submissions wait already. Send it again when one is answered";
            let error = Error::new(ErrorKind::TooManyRequests, detail);
            let id = question.id.as_deref();
            return Some(self.asker.dialect.refusal(id, &error));
        }
        self.waiting.push_back(question);
        self.begin();
        None
    }

    /// Waits for the next answer, as frames; forever where nothing is asked. Dropping the future
    /// loses nothing.
    pub(super) async fn answered(&mut self) -> Vec<String> {
        let Some(under_way) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let answer = (&mut under_way.answer).await;
        let id = under_way.id.take();
        self.under_way = None;
        self.begin();
        let frames = match answer {
            Ok(answer) => frames_of(answer),
            Err(error) => Err(unavailable(&error)),
        };
        frames.unwrap_or_else(|error| vec![self.asker.dialect.refusal(id.as_deref(), &error)])
    }

    /// Asks what still waits; nobody hears the answers.
    pub(super) async fn finish(mut self) {
        while self.under_way.is_some() {
            self.answered().await;
        }
    }

    fn begin(&mut self) {
        let (None, Some(path)) = (&self.under_way, self.asker.dialect.asks()) else {
            return;
        };
        let Some(Question { id, payload, .. }) = self.waiting.pop_front() else {
            return;
        };
        let said = Said {
            session: self.asker.session,
            user: self.asker.user,
            login: self.asker.login,
            id: id.clone(),
            payload,
        };
        let (edge, within) = (self.edge.clone(), self.within);
        let asking = async move { edge.ask(path, &said, Asking { within, id: None }).await };
        let answer = tokio::spawn(asking);
        self.under_way = Some(UnderWay { id, answer });
    }
}

/// The frames that the edge answers, or why there are none.
fn frames_of(answer: Result<Answer, AskError>) -> Result<Vec<String>, Error> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(AskError::Timeout) => {
            let detail = "It took too long. It may be done all the same: send it again by its id";
            return Err(Error::new(ErrorKind::UpstreamTimeout, detail));
        }
        Err(error) => return Err(unavailable(&error)),
    };
    if answer.status == StatusCode::OK {
        let replies: Result<Replies, _> = serde_json::from_slice(&answer.body);
        let replies = replies.map_err(|error| unavailable(&error))?;
        return Ok(replies.frames.iter().map(ToString::to_string).collect());
    }
    let kind = match answer.status.as_u16() {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::TooManyRequests,
        400..500 => ErrorKind::Refused,
        status => {
            let error = std::io::Error::other(format!("the edge answered {status}"));
            return Err(unavailable(&error));
        }
    };
    let problem: Result<Problem, _> = serde_json::from_slice(&answer.body);
    let detail = problem.map_or_else(|_| "It was refused".to_owned(), |problem| problem.detail);
    Err(Error::new(kind, detail))
}

fn unavailable(error: &(dyn StdError + 'static)) -> Error {
    tracing::warn!(error, "what a client wants cannot be asked of the edge");
    let detail = "The service is starting or down. Send it again by its id in a moment";
    Error::new(ErrorKind::Unavailable, detail)
}
