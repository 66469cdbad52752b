//! Whether services are there.

use crate::{
    asking::{capital, client},
    services::find,
};
use axum::extract::State;
use comfyui::{Probe, Timeouts};
use contracts::studio::services::ServiceTest;
use domain::{Error, Service, ServiceId, ServiceStatus};
use futures::{StreamExt, stream};
use ports::Platform;
use runner_api::edge::Probed;
use std::time::Duration;
use store::services::{Found, due, record};
use web::{Administrator, Envelope, Id, Json, Outcome, Runner};

/// How long a service may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many services one round looks at.
const ROUND: i64 = 200;

/// How many of them at a time.
const AT_ONCE: usize = 16;

/// A service that was looked at within this time is not looked at again by a round: several
/// runners may ask for rounds, and administrators test in between.
const FRESH_MS: i64 = 20_000;

/// `POST /services/{id}/test`: asks the service once, and follows no redirect.
pub(crate) async fn test(
    State(platform): State<Platform>,
    _: Administrator,
    Id(id): Id,
) -> Outcome<Envelope<ServiceTest>> {
    let service = find(&platform, ServiceId(id)).await?.service;
    let look = look_at(platform, service).await?;
    Ok(Envelope(ServiceTest {
        status: look.status.as_str(),
        response_time: look.response_time,
        message: look.message,
    }))
}

/// `POST /internal/services/probe`: the runner has a round of all services.
pub(crate) async fn probe_all(
    State(platform): State<Platform>,
    _: Runner,
) -> Outcome<Json<Probed>> {
    let since = platform.clock.now().saturating_sub(FRESH_MS);
    let services = due(&*platform.sql, since, ROUND).await?;
    let looks = services
        .into_iter()
        .map(|service| look_at(platform.clone(), service));
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    let mut probed = Probed::default();
    while let Some(found) = looks.next().await {
        match found?.status {
            ServiceStatus::Online => probed.online += 1,
            ServiceStatus::Offline | ServiceStatus::Unknown => probed.offline += 1,
        }
    }
    Ok(Json(probed))
}

/// What was found when a service was looked at.
struct Look {
    status: ServiceStatus,
    /// In milliseconds, of one that answered.
    response_time: Option<i64>,
    message: String,
}

/// Asks a service whether it is there, and records what it found.
async fn look_at(platform: Platform, service: Service) -> Result<Look, Error> {
    let timeouts = Timeouts {
        connect: PATIENCE,
        answer: PATIENCE,
        silence: PATIENCE,
    };
    let began = platform.clock.now();
    let probe = client(&platform, &service, timeouts)?.probe().await;
    let response_time = match &probe {
        Ok(probe) => i64::try_from(probe.response_time.as_millis()).ok(),
        Err(_) => None,
    };
    let found = Found {
        began,
        response_time,
    };
    record(&*platform.sql, &service, found).await?;
    let (status, message) = match probe {
        Ok(probe) => (ServiceStatus::Online, in_words(&probe)),
        Err(error) => {
            // What the server said is the operator's business.
            let detail = error.detail().unwrap_or_default();
            eprintln!("service {}: {error}: {detail}", service.id);
            (ServiceStatus::Offline, capital(&error.to_string()))
        }
    };
    Ok(Look {
        status,
        response_time,
        message,
    })
}

fn in_words(probe: &Probe) -> String {
    let version = match &probe.stats.version {
        Some(version) => format!("ComfyUI {version}"),
        None => "ComfyUI".to_owned(),
    };
    let devices: Vec<_> = probe.stats.devices.iter().collect();
    match devices.as_slice() {
        [] => version,
        [device] => format!("{version} on {}", device.name),
        [device, more @ ..] => format!("{version} on {} and {} more", device.name, more.len()),
    }
}
