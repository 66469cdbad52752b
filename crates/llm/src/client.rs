//! Asks model servers.

use crate::{
    Answer, Endpoint, Error, Request, Timeouts,
    body::{self, CountUsage},
    chunk, failure, limits,
    watchdog::Watchdog,
};
use bytes::Bytes;
use futures::{
    StreamExt,
    future::{Either, poll_fn, select},
};
use http::{Method, Response, header};
use ports::{ByteStream, Clock, ConnectTimeout, Http};
use serde::Deserialize;
use std::{pin::pin, sync::Arc, time::Duration};

/// How long to wait for what a server says about its refusal.
const REFUSAL_BODY: Duration = Duration::from_secs(5);

/// Asks model servers over the platform's HTTP. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client over these ports.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        Self { http, clock }
    }

    /// Asks the model. Resolves when the server has agreed to answer; the answer streams. From an
    /// endpoint that does not, it comes whole, as the same events.
    ///
    /// A server that refuses to be asked for usage is asked again without.
    ///
    /// # Errors
    /// Any [`Error`] of connecting, waiting or being refused.
    pub async fn stream(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        timeouts: &Timeouts,
    ) -> Result<Answer, Error> {
        match self
            .ask(endpoint, request, timeouts, CountUsage::Ask)
            .await?
        {
            Asked::Answer(answer) => Ok(*answer),
            Asked::Refusal(refusal) if refusal.is_about_usage() => {
                match self
                    .ask(endpoint, request, timeouts, CountUsage::DoNotAsk)
                    .await?
                {
                    Asked::Answer(answer) => Ok(*answer),
                    Asked::Refusal(refusal) => Err(refusal.into_error(endpoint)),
                }
            }
            Asked::Refusal(refusal) => Err(refusal.into_error(endpoint)),
        }
    }

    /// The names of the server's models; a cheap way to see whether it is there. Waits no longer
    /// than [`Timeouts::first_token`] for the whole list.
    ///
    /// # Errors
    /// Any [`Error`] of connecting, waiting or being refused; [`Error::Malformed`] when what comes
    /// is no list of models.
    pub async fn models(
        &self,
        endpoint: &Endpoint,
        timeouts: &Timeouts,
    ) -> Result<Vec<String>, Error> {
        let request = build(Method::GET, endpoint, "models", Vec::new(), timeouts)?;
        let mut watchdog = self.watchdog(timeouts);
        let response = self.send(request, &mut watchdog).await?;
        if !response.status().is_success() {
            let refusal = Refusal::read(response, &mut watchdog).await;
            return Err(refusal.into_error(endpoint));
        }
        let body = collect(response.into_body(), limits::WHOLE, &mut watchdog).await?;
        let list: ModelList = chunk::read(&body)?;
        Ok(list.data.into_iter().map(|model| model.id).collect())
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        timeouts: &Timeouts,
        usage: CountUsage,
    ) -> Result<Asked, Error> {
        let body = body::chat_completion(endpoint, request, usage)
            .map_err(|error| Error::malformed(format!("the request: {error}")))?;
        let request = build(Method::POST, endpoint, "chat/completions", body, timeouts)?;
        let mut watchdog = self.watchdog(timeouts);
        let response = self.send(request, &mut watchdog).await?;
        if !response.status().is_success() {
            return Ok(Asked::Refusal(Refusal::read(response, &mut watchdog).await));
        }
        let endpoint = endpoint.clone();
        Ok(Asked::Answer(Box::new(Answer::new(
            response.into_body(),
            watchdog,
            timeouts,
            self.clock.now(),
            Box::new(move |text| endpoint.without_key(text)),
        ))))
    }

    fn watchdog(&self, timeouts: &Timeouts) -> Watchdog {
        Watchdog::new(
            Arc::clone(&self.clock),
            timeouts.first_token,
            timeouts.kept_alive,
        )
    }

    async fn send(
        &self,
        request: http::Request<Bytes>,
        watchdog: &mut Watchdog,
    ) -> Result<Response<ByteStream>, Error> {
        let bark = pin!(poll_fn(|context| watchdog.poll_bark(context)));
        match select(self.http.send(request), bark).await {
            Either::Left((response, _)) => Ok(response?),
            Either::Right(_) => Err(Error::FirstTokenTimeout),
        }
    }
}

enum Asked {
    Answer(Box<Answer>),
    Refusal(Refusal),
}

/// A response that is no success.
struct Refusal {
    code: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Refusal {
    /// Reads what there is of the body; its loss must not hide the status.
    async fn read(response: Response<ByteStream>, watchdog: &mut Watchdog) -> Self {
        let seconds = response.headers().get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let code = response.status().as_u16();
        let mut body = Vec::new();
        watchdog.heard();
        watchdog.allow(REFUSAL_BODY);
        // An error here leaves the body short, and the message with it.
        let _ = append(&mut body, response.into_body(), limits::REFUSAL, watchdog).await;
        Self {
            code,
            retry_after: seconds.map(Duration::from_secs),
            body,
        }
    }

    fn is_about_usage(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body);
        matches!(self.code, 400 | 422)
            && (text.contains("stream_options") || text.contains("include_usage"))
    }

    fn into_error(self, endpoint: &Endpoint) -> Error {
        Error::Status {
            code: self.code,
            message: endpoint.without_key(&failure::message_in_body(&self.body)),
            retry_after: self.retry_after,
        }
    }
}

#[derive(Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

fn build(
    method: Method,
    endpoint: &Endpoint,
    resource: &str,
    body: Vec<u8>,
    timeouts: &Timeouts,
) -> Result<http::Request<Bytes>, Error> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(endpoint.base_url.join(resource))
        .header(
            header::USER_AGENT,
            concat!("atelier/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::ACCEPT, "text/event-stream, application/json")
        .extension(ConnectTimeout(timeouts.connect));
    if !body.is_empty() {
        request = request
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, body.len());
    }
    if let Some(key) = endpoint.api_key.as_ref().and_then(crate::ApiKey::header) {
        request = request.header(header::AUTHORIZATION, key);
    }
    request
        .body(Bytes::from(body))
        .map_err(|error| Error::malformed(format!("the request: {error}")))
}

async fn collect(
    body: ByteStream,
    limit: usize,
    watchdog: &mut Watchdog,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    append(&mut bytes, body, limit, watchdog).await?;
    Ok(bytes)
}

/// Appends the body to `bytes`; what came before an error is there.
async fn append(
    bytes: &mut Vec<u8>,
    mut body: ByteStream,
    limit: usize,
    watchdog: &mut Watchdog,
) -> Result<(), Error> {
    loop {
        let bark = pin!(poll_fn(|context| watchdog.poll_bark(context)));
        let piece = match select(body.next(), bark).await {
            Either::Left((Some(piece), _)) => piece?,
            Either::Left((None, _)) => return Ok(()),
            Either::Right(_) => return Err(Error::SilenceTimeout),
        };
        let room = limit.saturating_sub(bytes.len());
        bytes.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if piece.len() > room {
            return Err(Error::TooLong {
                what: "a body",
                limit,
            });
        }
    }
}
