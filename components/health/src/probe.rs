//! Probes of what the platform stands on, each bounded in time.

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{Future, StreamExt};
use http::{Request, header};
use llm::{Client, Endpoint, Timeouts};
use ports::{ConnectTimeout, Platform};
use serde::Deserialize;
use std::{pin::pin, time::Duration};
use web::variable;

/// How long a probe may take.
const LIMIT: Duration = Duration::from_secs(2);

/// The most that a probe reads.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// What is wrong, in words that strangers may read.
pub(crate) type Fault = &'static str;

/// What the runner says of itself.
#[derive(Deserialize)]
pub(crate) struct Runner {
    pub(crate) uptime_seconds: u64,
}

/// `healthy` or `unhealthy`.
pub(crate) fn word(healthy: bool) -> &'static str {
    if healthy { "healthy" } else { "unhealthy" }
}

/// Asks the runner how it is.
pub(crate) async fn runner(platform: &Platform) -> Result<Runner, Fault> {
    let url = variable(platform, "runner_url")
        .await
        .map_err(|_| "not configured")?;
    let token = variable(platform, "runner_token")
        .await
        .map_err(|_| "not configured")?;
    let request = Request::get(format!("{}/v1/health", url.trim_end_matches('/')))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .extension(ConnectTimeout(LIMIT))
        .body(Bytes::new())
        .map_err(|_| "not configured rightly")?;
    let body = within(platform, fetch(platform, request)).await?;
    serde_json::from_slice(&body).map_err(|_| "answered strangely")
}

async fn fetch(platform: &Platform, request: Request<Bytes>) -> Result<Vec<u8>, Fault> {
    let response = platform
        .http
        .send(request)
        .await
        .map_err(|_| "does not answer")?;
    if !response.status().is_success() {
        return Err("refused");
    }
    let mut body = Vec::new();
    let mut pieces = response.into_body();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(|_| "broke off")?);
        if body.len() > BODY_MAX_BYTES {
            return Err("answered strangely");
        }
    }
    Ok(body)
}

/// Asks the model server for its list of models.
pub(crate) async fn model(platform: &Platform) -> Result<(), Fault> {
    let read = |name| variable(platform, name);
    let base_url = read("llm_base_url").await.map_err(|_| "not configured")?;
    if base_url.is_empty() {
        return Err("not configured");
    }
    let api_key = read("llm_api_key").await.map_err(|_| "not configured")?;
    let name = read("llm_model").await.map_err(|_| "not configured")?;
    let endpoint =
        Endpoint::parse(&base_url, &api_key, &name).map_err(|_| "not configured rightly")?;
    let timeouts = Timeouts {
        connect: LIMIT,
        first_token: LIMIT,
        ..Timeouts::default()
    };
    let client = Client::new(platform.http.clone(), platform.clock.clone());
    match client.models(&endpoint, &timeouts).await {
        // A server without that list is there all the same.
        Ok(_)
        | Err(
            llm::Error::Status {
                code: 404 | 405, ..
            }
            | llm::Error::Malformed { .. },
        ) => Ok(()),
        Err(llm::Error::Status { .. }) => Err("refused"),
        Err(_) => Err("does not answer"),
    }
}

/// Asks the database for anything.
pub(crate) async fn database(platform: &Platform) -> Result<(), Fault> {
    store::health::probe(&*platform.sql)
        .await
        .map_err(|_| "does not answer")
}

/// Writes to the key-value store and reads it back.
pub(crate) async fn key_value(platform: &Platform) -> Result<(), Fault> {
    const KEY: &str = "health:probe";
    let store = &*platform.key_value;
    store
        .set(KEY, b"ok".to_vec())
        .await
        .map_err(|_| "cannot be written")?;
    match store.get(KEY).await {
        Ok(Some(value)) if value == b"ok" => Ok(()),
        _ => Err("cannot be read"),
    }
}

/// `probe`, given up after the limit.
pub(crate) async fn within<T>(
    platform: &Platform,
    probe: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match select(pin!(probe), platform.clock.sleep(LIMIT)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err("timed out"),
    }
}
