//! ComfyUI services: where workflows run.

use crate::{ServiceId, Timestamp, profile::one_line, provider::base_url, word::words};
use uuid::Uuid;

words! {
    /// What the last probe of a service found; `UNKNOWN` where its address was never probed.
    ServiceStatus { Online = "ONLINE", Offline = "OFFLINE", Unknown = "UNKNOWN" }
}

/// A ComfyUI server that everybody's workflows may run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its number.
    pub id: ServiceId,
    /// Its number for the outside.
    pub uuid: Uuid,
    /// What people call it, unique whatever the case of its letters.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What the last probe found.
    pub status: ServiceStatus,
    /// How long that took, in milliseconds; none where it did not answer.
    pub response_time: Option<i64>,
    /// When that was.
    pub checked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When an administrator last changed it.
    pub updated_at: Timestamp,
}

/// What a service is called: 1 to 64 characters, no control characters, not only blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName(String);

impl ServiceName {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        one_line(text).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a service is, by the rules of [`crate::ProviderUrl`]. Like that it says nothing about
/// whether the address may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl(String);

impl ServiceUrl {
    /// Checks `text`; slashes at its end are dropped.
    ///
    /// # Errors
    /// The sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        base_url(text).map(Self)
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_rules_of_providers() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = ServiceUrl::parse(text).ok();
            assert_eq!(parsed.as_ref().map(ServiceUrl::as_str), expected, "{text}");
        };
        check("http://gpu-1:8188/", Some("http://gpu-1:8188"));
        check("https://a.example/comfy", Some("https://a.example/comfy"));
        check("http://user@gpu-1:8188", None);
        check("ws://gpu-1:8188", None);
        check("http://gpu-1:8188?x", None);
    }
}
