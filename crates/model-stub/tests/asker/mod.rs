//! A reader of model servers: the product's own client over real sockets.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, each of which uses a part"
)]

use bytes::Bytes;
use futures::StreamExt;
use llm::{Answer, Client, Endpoint, Error, Event, Message, Request, Role, Timeouts, Tool};
use platform_native::{HyperHttp, ManualClock};
use ports::Http;
use serde_json::{Value, json};
use std::sync::Arc;

pub struct Asker {
    pub http: Arc<HyperHttp>,
    pub clock: ManualClock,
    pub endpoint: Endpoint,
}

impl Asker {
    pub fn new(base_url: &str) -> Self {
        Self {
            http: Arc::new(HyperHttp::new().unwrap()),
            clock: ManualClock::new(1_000),
            endpoint: Endpoint::parse(base_url, "sk-test", "m").unwrap(),
        }
    }

    pub fn client(&self) -> Client {
        Client::new(self.http.clone(), Arc::new(self.clock.clone()))
    }

    pub async fn ask(&self, request: &Request) -> Result<Answer, Error> {
        let timeouts = Timeouts::default();
        self.client()
            .stream(&self.endpoint, request, &timeouts)
            .await
    }

    /// Everything that is answered to `text`, and the error that ended it.
    pub async fn read(&self, text: &str) -> (Vec<Event>, Option<Error>) {
        match self.ask(&user(text)).await {
            Ok(answer) => read(answer).await,
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    /// A request of its own making: status and body.
    pub async fn raw(&self, method: &str, url: &str, body: impl Into<Bytes>) -> (u16, Vec<u8>) {
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/json")
            .body(body.into())
            .unwrap();
        let response = self.http.send(request).await.unwrap();
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        (status, bytes)
    }
}

/// Reads an answer to its end.
pub async fn read(mut answer: Answer) -> (Vec<Event>, Option<Error>) {
    let mut events = Vec::new();
    while let Some(event) = answer.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// The text of an answer.
pub fn text(events: &[Event]) -> String {
    let texts = events.iter().map(|event| match event {
        Event::Text(text) => text.as_str(),
        _ => "",
    });
    texts.collect()
}

pub fn user(text: &str) -> Request {
    Request {
        messages: vec![Message::new(Role::User, text)],
        ..Request::default()
    }
}

pub fn tool(name: &str, parameters: &Value) -> Tool {
    Tool {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": parameters}),
    }
}
