//! The edge's client for the runner.
//!
//! Invariants: every call ends within a limit of time and reads a bounded answer; what the runner
//! says to a person reaches the person as an [`Error`] that the person can act on, and what it
//! says to us (a wrong token, nonsense) never does.

mod blobs;
mod calls;
mod checkpoints;
mod coming;
mod files;
mod lines;
mod refusal;
mod waiting;

pub use coming::Coming;
pub use files::{Archive, Beginning, Raw, TreeQuery};
pub use lines::{ExecEvents, FollowLines, RunLines};

use bytes::Bytes;
use domain::{Error, ErrorKind};
use futures::{
    StreamExt,
    future::{Either, select},
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header, request};
use ports::{BoxFuture, ByteStream, ConnectTimeout, HttpError, Platform};
use refusal::Refusal;
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, pin::pin, time::Duration};

/// How long connecting may take: the runner is near.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an ordinary answer may take, its body included.
const ORDINARY: Duration = Duration::from_secs(30);

/// The largest answer that is read as a whole: a tree, or a command's output with every letter
/// escaped.
const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;

const REQUEST_ID: &str = "x-request-id";

/// The edge's client for the runner. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    platform: Platform,
    request_id: Option<HeaderValue>,
}

impl Client {
    /// A client for work that is nobody's request.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self {
            platform: platform.clone(),
            request_id: None,
        }
    }

    /// A client for the request that came with `headers`: its number goes along, so that the
    /// runner's log has it too.
    #[must_use]
    pub fn of(platform: &Platform, headers: &HeaderMap) -> Self {
        Self {
            platform: platform.clone(),
            request_id: headers.get(REQUEST_ID).cloned(),
        }
    }

    /// Sends `call` and reads the JSON that comes back.
    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        match self.answer(call, How::Whole).await? {
            Answer::Whole(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| refusal::malformed(&error))
            }
            Answer::Begun(_) => Err(refusal::failed("an answer that was not read")),
        }
    }

    /// Sends `call`, whose answer says nothing but that it is done.
    async fn tell(&self, call: Call) -> Result<(), Error> {
        self.answer(call, How::Begun).await?;
        Ok(())
    }

    /// Sends `call` and hands its body over as it arrives.
    async fn open(&self, call: Call) -> Result<Response<ByteStream>, Refusal> {
        match self.answer(call, How::Begun).await? {
            Answer::Begun(response) => Ok(response),
            Answer::Whole(_) => Err(refusal::failed("an answer that was read").into()),
        }
    }

    /// Sends `call`; a refusal is an error. Boxed, and one for all, so that components have it
    /// once and not in every handler that asks.
    fn answer(&self, call: Call, how: How) -> BoxFuture<'_, Result<Answer, Refusal>> {
        let limit = call.limit;
        let answer = async move {
            let response = self.exchange(call).await?;
            if !response.status().is_success() {
                return Err(refusal::read(response).await);
            }
            Ok(match how {
                How::Whole => Answer::Whole(whole(response.into_body(), ANSWER_MAX_BYTES).await?),
                How::Begun => Answer::Begun(response),
            })
        };
        Box::pin(self.within(limit, answer))
    }

    /// Sends `call`, whatever comes back.
    async fn exchange(&self, call: Call) -> Result<Response<ByteStream>, Error> {
        let url = self.setting("runner_url").await?;
        let token = self.setting("runner_token").await?;
        let mut request = call
            .request
            .uri(format!("{}{}", url.trim_end_matches('/'), call.target))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .extension(ConnectTimeout(CONNECT));
        if let Some(request_id) = &self.request_id {
            request = request.header(REQUEST_ID, request_id);
        }
        let request = request.body(call.body).map_err(misconfigured)?;
        let response = self.platform.http.send(request).await;
        response.map_err(refusal::unreachable)
    }

    async fn setting(&self, name: &str) -> Result<String, Error> {
        let setting = self.platform.variables.get(name).await;
        setting.map_err(misconfigured)
    }

    async fn within<T, E: From<Error>>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match select(pin!(work), self.platform.clock.sleep(limit)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(refusal::late().into()),
        }
    }
}

/// How far an answer is read.
#[derive(Clone, Copy)]
enum How {
    /// To its end.
    Whole,
    /// Up to its body.
    Begun,
}

/// An answer, as far as it was read.
enum Answer {
    Whole(Vec<u8>),
    Begun(Response<ByteStream>),
}

/// A request to the runner.
struct Call {
    request: request::Builder,
    /// Path and query.
    target: String,
    body: Bytes,
    limit: Duration,
}

impl Call {
    fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            request: Request::builder().method(method),
            target: target.into(),
            body: Bytes::new(),
            limit: ORDINARY,
        }
    }

    /// With parameters of the query; those without a value are left out.
    fn query(mut self, pairs: &[(&str, Option<&str>)]) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if !query.is_empty() {
            self.target = format!("{}?{query}", self.target);
        }
        self
    }

    fn header(mut self, name: header::HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.request = self.request.header(name, value.into());
        self
    }

    fn accept(self, media_type: &'static str) -> Self {
        self.header(header::ACCEPT, HeaderValue::from_static(media_type))
    }

    fn json<T: Serialize>(self, body: &T) -> Result<Self, Error> {
        self.json_of(body, 128)
    }

    /// The same of a body that is about so long: it need not grow.
    fn json_of<T: Serialize>(mut self, body: &T, size: usize) -> Result<Self, Error> {
        let mut json = Vec::with_capacity(size);
        serde_json::to_writer(&mut json, body).map_err(Error::internal)?;
        self.body = json.into();
        let json = HeaderValue::from_static("application/json");
        Ok(self.header(header::CONTENT_TYPE, json))
    }

    fn bytes(mut self, body: Bytes) -> Self {
        self.body = body;
        let bytes = HeaderValue::from_static("application/octet-stream");
        self.header(header::CONTENT_TYPE, bytes)
    }

    /// May take that long instead of half a minute.
    fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// The whole of a body of at most `most` bytes.
async fn whole(mut body: ByteStream, most: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error: HttpError| refusal::failed(error))?;
        if bytes.len() + piece.len() > most {
            return Err(refusal::failed(format!("an answer over {most} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn misconfigured(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable, "The service is not configured").caused_by(cause)
}
