//! A clock and an HTTP that tests drive by hand.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, each of which uses a part"
)]

use bytes::Bytes;
use futures::{StreamExt, channel::mpsc, future::poll_fn, task::noop_waker};
use llm::{Answer, Client, Endpoint, Error, Event, Message, Request, Role, Timeouts};
use ports::{BoxFuture, ByteStream, Clock, Http, HttpError};
use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

/// Stands still until it is advanced. Nobody is woken: tests poll by hand.
#[derive(Clone, Default)]
pub struct HandClock {
    now: Arc<Mutex<Duration>>,
    sleeps: Arc<Mutex<usize>>,
}

impl HandClock {
    pub fn advance(&self, duration: Duration) {
        *self.now.lock().unwrap() += duration;
    }

    /// How many sleeps were begun so far.
    pub fn sleeps(&self) -> usize {
        *self.sleeps.lock().unwrap()
    }
}

impl Clock for HandClock {
    fn now(&self) -> i64 {
        i64::try_from(self.now.lock().unwrap().as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        *self.sleeps.lock().unwrap() += 1;
        let now = Arc::clone(&self.now);
        let until = *now.lock().unwrap() + duration;
        Box::pin(poll_fn(move |_| match *now.lock().unwrap() >= until {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }
}

type Piece = Result<Bytes, HttpError>;

/// Answers each request with the next prepared outcome; never, when there is none.
#[derive(Default)]
pub struct HandHttp {
    outcomes: Mutex<VecDeque<Result<http::Response<ByteStream>, HttpError>>>,
    pub requests: Mutex<Vec<http::Request<Bytes>>>,
}

impl Http for HandHttp {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, HttpError>> {
        self.requests.lock().unwrap().push(request);
        match self.outcomes.lock().unwrap().pop_front() {
            Some(outcome) => Box::pin(async { outcome }),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// A client over both doubles.
#[derive(Default)]
pub struct Stage {
    pub http: Arc<HandHttp>,
    pub clock: HandClock,
}

impl Stage {
    pub fn client(&self) -> Client {
        Client::new(self.http.clone(), Arc::new(self.clock.clone()))
    }

    pub fn fail(&self, error: HttpError) {
        self.http.outcomes.lock().unwrap().push_back(Err(error));
    }

    /// Prepares a response; its body is what the test sends into the returned end.
    pub fn respond(&self, status: u16) -> mpsc::UnboundedSender<Piece> {
        self.respond_with(http::Response::builder().status(status))
    }

    pub fn respond_with(&self, head: http::response::Builder) -> mpsc::UnboundedSender<Piece> {
        let (sender, receiver) = mpsc::unbounded();
        let body: ByteStream = Box::pin(receiver);
        let response = head.body(body).unwrap();
        self.http.outcomes.lock().unwrap().push_back(Ok(response));
        sender
    }

    /// Prepares a response whose body is all there.
    pub fn respond_whole(&self, head: http::response::Builder, body: &str) {
        let sender = self.respond_with(head);
        send(&sender, body);
    }

    /// An answer that the server has agreed to give.
    pub fn answer(&self) -> Answer {
        let (client, endpoint, request) = (self.client(), endpoint(), question());
        let timeouts = Timeouts::default();
        let mut asked = Box::pin(client.stream(&endpoint, &request, &timeouts));
        match poll(asked.as_mut()) {
            Poll::Ready(answer) => answer.unwrap(),
            Poll::Pending => panic!("the response is prepared"),
        }
    }
}

pub fn send(body: &mpsc::UnboundedSender<Piece>, text: &str) {
    body.unbounded_send(Ok(Bytes::copy_from_slice(text.as_bytes())))
        .unwrap();
}

/// A stream event with this piece of text.
pub fn text_event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

pub const FINISHED: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

pub fn endpoint() -> Endpoint {
    Endpoint::parse("http://models.test/v1", "sk-secret", "m").unwrap()
}

pub fn question() -> Request {
    Request {
        messages: vec![Message::new(Role::User, "hi")],
        ..Request::default()
    }
}

/// Polls a future once.
pub fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&noop_waker()))
}

/// Polls an answer once.
pub fn next(answer: &mut Answer) -> Poll<Option<Result<Event, Error>>> {
    answer.poll_next_unpin(&mut Context::from_waker(&noop_waker()))
}
