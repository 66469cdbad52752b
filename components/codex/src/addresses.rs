//! Where a session and its events are, for whoever asks.

use domain::Error;
use http::{HeaderMap, HeaderName, header};
use ports::Platform;
use web::{is_loopback_url, variable};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The two addresses, without a slash at their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// Of the edge.
    pub(crate) public: String,
    /// Of sockets.
    pub(crate) live: String,
}

impl Addresses {
    /// As the variables `public_url` and `runner_public_url` say. Where the first is on loopback,
    /// nobody has said how the platform is reached: then as whoever asks has reached it.
    pub(crate) async fn of(platform: &Platform, headers: &HeaderMap) -> Result<Self, Error> {
        let public = variable(platform, "public_url").await?;
        let live = variable(platform, "runner_public_url").await?;
        let public = match asked(headers) {
            Some(host) if is_loopback_url(&public) => format!("http://{host}"),
            _ => public.trim_end_matches('/').to_owned(),
        };
        Ok(Self {
            live: match live.trim_end_matches('/') {
                "" => public.clone(),
                live => live.to_owned(),
            },
            public,
        })
    }
}

/// The host that was asked, if it is one.
fn asked(headers: &HeaderMap) -> Option<&str> {
    let named = headers
        .get(FORWARDED_HOST)
        .or_else(|| headers.get(header::HOST))?;
    let host = named.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}
