//! Asks ComfyUI servers over the platform's HTTP.
//!
//! Invariants: no wait is without end and no answer without limit; redirects are not followed; an
//! answer that is not ComfyUI's is an error and never a panic.

mod body;
mod files;
mod history;
mod prompt;
mod queue;
mod shallow;
mod status;

pub use body::FileBody;
pub use files::{Upload, Uploaded, View};
pub use history::{ComingHistory, HistoryEntry, Outcome};
pub use prompt::{Submission, Submitted};
pub use queue::{Queue, QueueItem, QueuePlace};
pub use status::{ComingClasses, Device, Probe, SystemStats};

use crate::{BaseUrl, Error, Timeouts, error::shorten, lenient, limits, report::Refusal};
use body::{Deadline, within};
use bytes::Bytes;
use http::{Method, Response, header};
use ports::{ByteStream, Clock, ConnectTimeout, Http};
use serde::Serialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Asks one ComfyUI server. Cheap to clone.
///
/// Dropping a future of it ends the exchange. The server's address is the caller's to check.
#[derive(Clone)]
pub struct Client {
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
    base_url: BaseUrl,
    timeouts: Timeouts,
}

impl Client {
    /// A client of the server at `base_url` over these ports.
    #[must_use]
    pub fn new(
        http: Arc<dyn Http>,
        clock: Arc<dyn Clock>,
        base_url: BaseUrl,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            http,
            clock,
            base_url,
            timeouts,
        }
    }

    /// The server's address.
    #[must_use]
    pub const fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// The JSON at `resource`.
    async fn get(&self, resource: &str) -> Result<Value, Error> {
        let body = self.get_bytes(resource, limits::ANSWER).await?;
        lenient::answer(&body)
    }

    async fn get_bytes(&self, resource: &str, limit: usize) -> Result<Vec<u8>, Error> {
        let request = self.request(Method::GET, resource, None, Bytes::new())?;
        self.exchange(request, limit).await
    }

    /// What the server answers to this JSON.
    async fn post<T: Serialize>(&self, resource: &str, json: &T) -> Result<Vec<u8>, Error> {
        let body = serde_json::to_vec(json);
        let body = body.map_err(|error| Error::malformed(format!("the request: {error}")))?;
        let body = Bytes::from(body);
        let request = self.request(Method::POST, resource, Some("application/json"), body)?;
        self.exchange(request, limits::ANSWER).await
    }

    fn request(
        &self,
        method: Method,
        resource: &str,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Result<http::Request<Bytes>, Error> {
        // Neither `Origin` nor `Sec-Fetch-Site`: with them the server takes us for a page.
        let mut request = http::Request::builder()
            .method(method)
            .uri(self.base_url.join(resource))
            .header(
                header::USER_AGENT,
                concat!("atelier/", env!("CARGO_PKG_VERSION")),
            )
            .extension(ConnectTimeout(self.timeouts.connect));
        if let Some(content_type) = content_type {
            request = request
                .header(header::CONTENT_TYPE, content_type)
                .header(header::CONTENT_LENGTH, body.len());
        }
        request
            .body(body)
            .map_err(|error| Error::malformed(format!("the request: {error}")))
    }

    /// Sends a request and reads the whole answer.
    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        limit: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut deadline = self.deadline(self.timeouts.answer);
        let response = self.send(request, &mut deadline).await?;
        body::collect(response.into_body(), limit, &mut deadline).await
    }

    /// The outer levels of the JSON at `resource`.
    async fn get_shallow(
        &self,
        resource: &str,
        levels: usize,
        limit: usize,
    ) -> Result<Vec<u8>, Error> {
        let request = self.request(Method::GET, resource, None, Bytes::new())?;
        let mut deadline = self.deadline(self.timeouts.answer);
        let response = self.send(request, &mut deadline).await?;
        body::collect_shallow(response.into_body(), levels, limit, &mut deadline).await
    }

    /// Sends a request and gives the answer if it is a success.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        deadline: &mut Deadline,
    ) -> Result<Response<ByteStream>, Error> {
        let response = within(self.http.send(request), deadline).await??;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        // What is missing of the reason must not hide the status.
        let reason = body::collect(response.into_body(), limits::REFUSAL, deadline).await;
        let reason = reason.unwrap_or_default();
        if code == 400
            && let Some(refusal) = Refusal::read(&reason)
        {
            return Err(Error::Refused(Box::new(refusal)));
        }
        let message = shorten(&String::from_utf8_lossy(&reason));
        Err(Error::Status { code, message })
    }

    fn deadline(&self, duration: Duration) -> Deadline {
        Deadline::new(self.clock.sleep(duration))
    }
}

/// One segment of a path, encoded.
fn segment(text: &str) -> String {
    // Spaces as `%20`: `+` is no space in a path.
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    match encoded.as_str() {
        // They would be taken for the folder itself and the one above.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => encoded,
    }
}
