//! How often somebody may do something: counters in key-value, one for each window of time, or for
//! each part of one that slides.
//!
//! Invariants: a try is counted before it is judged, so that tries at the same time cannot pass
//! together; no address and no name stands in a key in clear; a counter's key says when it ends,
//! because values do not expire by themselves.

mod sliding;

pub use sliding::count_sliding;

use crate::settings::{misread, variable};
use domain::{Error, ErrorKind, Provider};
use llm::Timeouts;
use ports::{KEYS_MOST, KeyValue, KeyValueError, Platform};
use sha2::{Digest, Sha256};
use std::{fmt::Write, time::Duration};

/// How every counter's key begins.
const PREFIX: &str = "limit/";

/// How often one sweep looks for counters at most.
const PASSES_MOST: usize = 100;

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted, in letters and hyphens, for example `login-address`.
    pub name: &'static str,
    /// How often in one window.
    pub most: i64,
    /// How long a window is. Windows follow one another from 1970 on, the same for everybody, unless
    /// they slide.
    pub window: Duration,
}

/// A limit whose number the operator can change.
#[derive(Clone, Copy, Debug)]
pub struct Adjustable {
    /// As [`Limit::name`].
    pub name: &'static str,
    /// As [`Limit::window`].
    pub window: Duration,
    /// The variable with the number.
    pub variable: &'static str,
}

impl Limit {
    /// When the window ends that `now` is in. Both in milliseconds since 1970.
    fn end(&self, now: i64) -> i64 {
        let window = self.milliseconds();
        now.saturating_sub(now.rem_euclid(window))
            .saturating_add(window)
    }

    fn milliseconds(&self) -> i64 {
        let window = i64::try_from(self.window.as_millis());
        window.unwrap_or(i64::MAX).max(1)
    }

    fn key(&self, subject: &str, end: i64) -> String {
        let mut digest = Sha256::new();
        digest.update(self.name);
        digest.update([0]);
        digest.update(subject);
        let mut key = format!("{PREFIX}{end}/{}/", self.name);
        for byte in digest.finalize().iter().take(16) {
            // Writing to a string does not fail.
            let _infallible = write!(key, "{byte:02x}");
        }
        key
    }
}

impl Adjustable {
    async fn limit(&self, platform: &Platform) -> Result<Limit, Error> {
        let text = variable(platform, self.variable).await?;
        let most = text
            .parse()
            .map_err(|_| misread(self.variable, "it is not a whole number"))?;
        Ok(Limit {
            name: self.name,
            most,
            window: self.window,
        })
    }

    /// Counts a try of `subject`.
    ///
    /// # Errors
    /// Too many requests, when it had its tries.
    pub async fn count(&self, platform: &Platform, subject: &str, now: i64) -> Result<(), Error> {
        let limit = self.limit(platform).await?;
        count(&*platform.key_value, &limit, subject, now).await
    }

    /// Takes a try back that was counted at the same `now` and was none: it succeeded.
    ///
    /// # Errors
    /// Unavailable when the store does not count.
    pub async fn give_back(
        &self,
        platform: &Platform,
        subject: &str,
        now: i64,
    ) -> Result<(), Error> {
        let limit = self.limit(platform).await?;
        give_back(&*platform.key_value, &limit, subject, now).await
    }
}

/// Counts one try of `subject`: an address, a name, whatever the limit is for. One that is
/// refused does not count: else right tries at the same time, each given back later, would leave
/// the refused ones behind and lock their subject.
///
/// # Errors
/// Too many requests, with the seconds until the window ends, when it had its tries;
/// Unavailable when the store does not count: without limits, nothing that needs them is done.
pub async fn count(
    store: &dyn KeyValue,
    limit: &Limit,
    subject: &str,
    now: i64,
) -> Result<(), Error> {
    let end = limit.end(now);
    let tries = store.increment(&limit.key(subject, end), 1).await;
    if tries.map_err(unavailable)? <= limit.most {
        return Ok(());
    }
    give_back(store, limit, subject, now).await?;
    Err(too_many(end - now))
}

/// Counts one request to `provider`, whoever makes it, in this component or another: as many in any
/// 60 seconds as its `rate_limit` says. Call it before each request.
///
/// # Errors
/// Too many requests, with the seconds until there is room, when it had its requests;
/// Unavailable when the store does not count.
pub async fn provider(platform: &Platform, provider: &Provider) -> Result<(), Error> {
    let Some(most) = provider.rate_limit else {
        return Ok(());
    };
    let limit = Limit {
        name: "provider",
        most,
        window: Duration::from_secs(60),
    };
    let subject = provider.uuid.to_string();
    let (store, now) = (&*platform.key_value, platform.clock.now());
    let counted = count_sliding(store, &limit, &subject, now).await;
    counted.map_err(|error| match (error.kind(), error.retry_after()) {
        (ErrorKind::TooManyRequests, Some(seconds)) => {
            let detail = "The model provider has had its requests for this minute";
            Error::new(ErrorKind::TooManyRequests, detail).retry_in(seconds)
        }
        _ => error,
    })
}

/// How long to wait for `provider`: it may say nothing for as long as its `timeout_ms` says,
/// whoever asks it.
#[must_use]
pub fn timeouts(provider: &Provider) -> Timeouts {
    Timeouts::of_silence(Duration::from_millis(provider.timeout_ms.unsigned_abs()))
}

/// Takes back a try that [`count`] counted at the same `now`: one that succeeded, where only
/// failures are to count.
///
/// # Errors
/// Unavailable when the store does not count.
pub async fn give_back(
    store: &dyn KeyValue,
    limit: &Limit,
    subject: &str,
    now: i64,
) -> Result<(), Error> {
    let key = limit.key(subject, limit.end(now));
    store.increment(&key, -1).await.map_err(unavailable)?;
    Ok(())
}

/// Removes the counters whose window is over, and says how many. The store shows at most
/// [`KEYS_MOST`] keys at a time, so it looks again, at most 100 times, until it has seen all of
/// them or finds none to remove.
///
/// # Errors
/// Unavailable when the store cannot be read or written.
pub async fn sweep(store: &dyn KeyValue, now: i64) -> Result<usize, Error> {
    let mut removed = 0;
    for _ in 0..PASSES_MOST {
        let keys = store.keys(PREFIX).await.map_err(unavailable)?;
        let before = removed;
        for key in keys.iter().filter(|key| has_ended(key, now)) {
            store.delete(key).await.map_err(unavailable)?;
            removed += 1;
        }
        if keys.len() < KEYS_MOST || removed == before {
            break;
        }
    }
    Ok(removed)
}

fn has_ended(key: &str, now: i64) -> bool {
    let end = key
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('/').next())
        .and_then(|end| end.parse::<i64>().ok());
    end.is_some_and(|end| end <= now)
}

/// There is room again in so many milliseconds.
fn too_many(wait: i64) -> Error {
    let seconds = wait.unsigned_abs().div_ceil(1000).max(1);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let detail = "Too many tries. Wait before the next one";
    Error::new(ErrorKind::TooManyRequests, detail).retry_in(seconds)
}

fn unavailable(error: KeyValueError) -> Error {
    Error::new(ErrorKind::Unavailable, "The service cannot count tries now").caused_by(error)
}
