//! A model without sockets, for tests in which time leaps.

use super::{LeapingClock, Stage};
use bytes::Bytes;
use futures::StreamExt;
use ports::{BoxFuture, ByteStream, Http, HttpError};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What the model does with one question.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    status: u16,
    retry_after: Option<u64>,
    body: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Bytes(String),
    Wait(Duration),
    Stall,
    Break,
}

impl Reply {
    fn empty() -> Self {
        Self {
            status: 200,
            ..Self::default()
        }
    }

    /// A whole answer of these pieces.
    pub fn say(pieces: &[&str]) -> Self {
        pieces
            .iter()
            .fold(Self::empty(), |reply, piece| reply.token(piece))
            .done()
    }

    /// An answer that calls `(tool, arguments)`.
    pub fn call(calls: &[(&str, Value)]) -> Self {
        let calls: Vec<(&str, String)> = calls
            .iter()
            .map(|(tool, arguments)| (*tool, arguments.to_string()))
            .collect();
        Self::call_raw(&calls)
    }

    pub fn call_raw(calls: &[(&str, String)]) -> Self {
        let reply = Self::empty();
        calls
            .iter()
            .enumerate()
            .fold(reply, |reply, (index, (tool, arguments))| {
                reply.with_call(&format!("call_{index}"), index, tool, arguments)
            })
            .done()
    }

    pub fn with_call(self, id: &str, index: usize, tool: &str, arguments: &str) -> Self {
        self.delta(&json!({"tool_calls": [{
            "index": index, "id": id,
            "function": {"name": tool, "arguments": arguments}
        }]}))
    }

    pub fn status(status: u16, message: &str) -> Self {
        Self {
            status,
            body: vec![Piece::Bytes(
                json!({"error": {"message": message}}).to_string(),
            )],
            ..Self::default()
        }
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// An answer that has only begun.
    pub fn begin() -> Self {
        Self::empty()
    }

    pub fn token(self, text: &str) -> Self {
        self.delta(&json!({"content": text}))
    }

    pub fn reasoning(self, text: &str) -> Self {
        self.delta(&json!({"reasoning_content": text}))
    }

    fn delta(self, delta: &Value) -> Self {
        self.event(&json!({"choices": [{"delta": delta}]}))
    }

    /// Counts along, from the beginning.
    pub fn usage(mut self, prompt: u64, completion: u64) -> Self {
        let usage = json!({"choices": [], "usage": {
            "prompt_tokens": prompt, "completion_tokens": completion
        }});
        let event = Piece::Bytes(format!("data: {usage}\n\n"));
        self.body.insert(0, event);
        self
    }

    pub fn finish(self, reason: &str) -> Self {
        self.event(&json!({"choices": [{"delta": {}, "finish_reason": reason}]}))
    }

    pub fn done(self) -> Self {
        self.piece(Piece::Bytes("data: [DONE]\n\n".to_owned()))
    }

    fn event(self, event: &Value) -> Self {
        self.piece(Piece::Bytes(format!("data: {event}\n\n")))
    }

    pub fn wait(self, duration: Duration) -> Self {
        self.piece(Piece::Wait(duration))
    }

    pub fn stall(self) -> Self {
        self.piece(Piece::Stall)
    }

    pub fn broken(self) -> Self {
        self.piece(Piece::Break)
    }

    fn piece(mut self, piece: Piece) -> Self {
        self.body.push(piece);
        self
    }

    fn stream(self) -> ByteStream {
        let pieces = futures::stream::iter(self.body);
        Box::pin(pieces.filter_map(|piece| async move {
            match piece {
                Piece::Bytes(text) => Some(Ok(Bytes::from(text))),
                Piece::Wait(duration) => {
                    tokio::time::sleep(duration).await;
                    None
                }
                Piece::Stall => std::future::pending().await,
                Piece::Break => Some(Err(HttpError::Broken("reset".to_owned()))),
            }
        }))
    }
}

type Answering = Box<dyn Fn(&Value) -> Reply + Send + Sync>;

/// Answers with what is queued, or as a function of the question.
#[derive(Default)]
pub struct Script {
    queue: Mutex<VecDeque<Reply>>,
    otherwise: Mutex<Option<Answering>>,
    pub requests: Mutex<Vec<Value>>,
}

impl Script {
    pub fn push(&self, reply: Reply) {
        self.queue.lock().unwrap().push_back(reply);
    }

    pub fn answer_with(&self, answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) {
        *self.otherwise.lock().unwrap() = Some(Box::new(answer));
    }

    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The messages of a request, as `role: content`.
    pub fn messages(&self, request: usize) -> Vec<String> {
        let requests = self.requests();
        let messages = requests[request]["messages"].as_array().unwrap().clone();
        let lines = messages.iter().map(|message| {
            let text = message["content"].as_str().unwrap_or("-");
            format!("{}: {text}", message["role"].as_str().unwrap())
        });
        lines.collect()
    }
}

impl Http for Script {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>> {
        let question: Value = serde_json::from_slice(request.body()).unwrap();
        let next = self.queue.lock().unwrap().pop_front();
        let reply = next.unwrap_or_else(|| match &*self.otherwise.lock().unwrap() {
            Some(answer) => answer(&question),
            None => Reply::status(400, "the test has no answer to this"),
        });
        self.requests.lock().unwrap().push(question);
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut response = http::Response::builder()
                .status(reply.status)
                .header("content-type", "text/event-stream");
            if let Some(seconds) = reply.retry_after {
                response = response.header("retry-after", seconds);
            }
            Ok(response.body(reply.stream()).unwrap())
        })
    }
}

/// A stage whose models play this script, in time that leaps.
pub fn stage() -> (Stage, Arc<Script>) {
    let script = Arc::new(Script::default());
    let clock = Arc::new(LeapingClock::new());
    let stage = Stage::new(script.clone(), clock, "http://models.test/v1");
    (stage, script)
}

/// A model that calls for ever, each time with another number.
pub fn tireless(stage: &mut Stage, script: &Script) {
    stage.give_echo();
    let n = AtomicU64::new(0);
    script.answer_with(move |_| {
        let n = n.fetch_add(1, Ordering::Relaxed);
        Reply::begin()
            .token("On it. ")
            .with_call("c", 0, "echo", &json!({"n": n}).to_string())
            .usage(90, 10)
            .wait(Duration::from_secs(1))
            .done()
    });
}
