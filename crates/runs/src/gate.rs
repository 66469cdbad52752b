//! A provider's limit, which counts what everybody asks of it.

use agent::{Gate, Wait};
use domain::Provider;
use ports::{BoxFuture, Platform};
use std::{fmt, sync::Arc, time::Duration};
use web::limits;

/// How long to wait where nobody says how long.
const A_WHILE: u32 = 5;

/// Lets questions to a provider pass, as many a minute as it may have.
pub(super) struct ProviderGate {
    platform: Platform,
    provider: Provider,
}

impl ProviderGate {
    /// The gate before `provider`, if it has a limit.
    pub(super) fn of(platform: &Platform, provider: &Provider) -> Option<Arc<dyn Gate>> {
        provider.rate_limit?;
        let gate = Self {
            platform: platform.clone(),
            provider: provider.clone(),
        };
        Some(Arc::new(gate))
    }
}

impl fmt::Debug for ProviderGate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gate = formatter.debug_struct("ProviderGate");
        gate.field("provider", &self.provider.code)
            .finish_non_exhaustive()
    }
}

impl Gate for ProviderGate {
    fn pass(&self) -> BoxFuture<'_, Result<(), Wait>> {
        Box::pin(async {
            let counted = limits::provider(&self.platform, &self.provider).await;
            counted.map_err(|error| {
                if let Some(cause) = std::error::Error::source(&error) {
                    eprintln!("provider {}: {error}: {cause}", self.provider.code);
                }
                let seconds = error.retry_after().unwrap_or(A_WHILE);
                Wait {
                    after: Duration::from_secs(seconds.into()),
                    why: error.detail().to_owned(),
                }
            })
        })
    }
}
