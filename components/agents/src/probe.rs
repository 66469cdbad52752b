//! Whether a provider answers.

use crate::providers::find;
use axum::extract::State;
use contracts::studio::providers::ProviderTest;
use domain::{Error, Provider};
use llm::{Client, Endpoint, Timeouts};
use ports::Platform;
use std::sync::Arc;
use web::{Administrator, Envelope, Id, Outcome, limits, open_provider_key};

/// `POST /model-providers/{id}/test`: asks for the models, once, and follows no redirect. It is a
/// request like any other: it counts.
pub(crate) async fn test(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<ProviderTest>> {
    let provider = find(&platform, id).await?.provider;
    let endpoint = match endpoint(&platform, &provider).await {
        Ok(endpoint) => endpoint,
        Err(error) => {
            report(&provider, &error.with_causes().to_string());
            return Ok(offline(error.detail()));
        }
    };
    limits::provider(&platform, &provider).await?;
    let client = Client::new(Arc::clone(&platform.http), Arc::clone(&platform.clock));
    let began = platform.clock.now();
    match client.models(&endpoint, &timeouts(&provider)).await {
        Ok(models) => Ok(Envelope(ProviderTest {
            status: "ONLINE",
            response_time: Some(platform.clock.now().saturating_sub(began).max(0)),
            message: match models.len() {
                1 => "It has 1 model".to_owned(),
                number => format!("It has {number} models"),
            },
        })),
        Err(error) => {
            let what = match error.detail() {
                Some(detail) => format!("{error}: {detail}"),
                None => error.to_string(),
            };
            report(&provider, &what);
            Ok(offline(&error.to_string()))
        }
    }
}

async fn endpoint(platform: &Platform, provider: &Provider) -> Result<Endpoint, Error> {
    let key = open_provider_key(platform, provider).await?;
    let key = key.as_ref().map_or("", |key| key.as_str());
    Endpoint::parse(&provider.base_url, key, "").map_err(Error::internal)
}

/// A server that does nothing but hold the connection is not there.
fn timeouts(provider: &Provider) -> Timeouts {
    let usual = limits::timeouts(provider);
    Timeouts {
        kept_alive: usual.silence,
        ..usual
    }
}

fn offline(message: &str) -> Envelope<ProviderTest> {
    Envelope(ProviderTest {
        status: "OFFLINE",
        response_time: None,
        message: message.to_owned(),
    })
}

/// What the server said is the operator's business. The client has taken the key out of it.
fn report(provider: &Provider, what: &str) {
    eprintln!("provider {}: {what}", provider.code);
}
