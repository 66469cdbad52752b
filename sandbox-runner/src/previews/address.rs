//! Where previews are: a host name for each port of each session.
//!
//! The first label of the name is `PORT-SESSION`, the session's UUID in 32 digits. What follows
//! is the operator's: a wildcard name that leads to the runner and that no cookie of the platform
//! is ever sent to.

use http::{Uri, uri::Authority};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The port of one session's sandbox that a preview shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) session: Uuid,
    pub(crate) port: u16,
}

impl Target {
    /// The target that a request's host names.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        let label = host.split(['.', ':']).next()?;
        let (port, session) = label.split_once('-')?;
        // Only what `label` writes: no sign, no zero in front, no capital.
        let target = Self {
            port: port.parse().ok()?,
            session: Uuid::try_parse(session).ok()?,
        };
        (target.label() == label).then_some(target)
    }

    /// The first label of its host name.
    pub(crate) fn label(&self) -> String {
        format!("{}-{}", self.port, self.session.simple())
    }
}

/// Where previews are opened: `http://*.localhost:8789`, with any name in the place of `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewUrl {
    secure: bool,
    /// What follows the first label: host and port.
    parent: Authority,
}

/// Why a text is no address of previews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected http://*.HOST:PORT or https://*.HOST without a path")]
pub struct PreviewUrlError;

impl PreviewUrl {
    /// Below `localhost`, which browsers take to the machine that they run on.
    #[must_use]
    pub fn on_localhost(port: u16) -> Self {
        let parent = Authority::try_from(format!("localhost:{port}"));
        Self {
            secure: false,
            // A number is always a port.
            parent: parent.unwrap_or_else(|_| Authority::from_static("localhost")),
        }
    }

    /// Whether browsers come by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The origin of one preview.
    pub(crate) fn origin(&self, target: &Target) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}.{}", target.label(), self.parent)
    }
}

impl FromStr for PreviewUrl {
    type Err = PreviewUrlError;

    fn from_str(text: &str) -> Result<Self, PreviewUrlError> {
        // No name begins with a letter that is none: any other stands for it.
        let (scheme, rest) = text.split_once("://*.").ok_or(PreviewUrlError)?;
        let uri: Uri = format!("{scheme}://{rest}")
            .parse()
            .map_err(|_| PreviewUrlError)?;
        let parent = uri.authority().cloned().ok_or(PreviewUrlError)?;
        let bare = uri.path() == "/" && uri.query().is_none() && !parent.as_str().contains('@');
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(PreviewUrlError),
        };
        match bare && !parent.host().is_empty() {
            true => Ok(Self { secure, parent }),
            false => Err(PreviewUrlError),
        }
    }
}

impl fmt::Display for PreviewUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://*.{}", self.parent)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_targets() {
        let session = Uuid::from_u128(0xabc);
        let check = |host: &str, port: Option<u16>| {
            let expected = port.map(|port| Target { session, port });
            assert_eq!(Target::of_host(host), expected, "{host}");
        };
        let id = "00000000000000000000000000000abc";
        check(&format!("3000-{id}.localhost:8789"), Some(3000));
        check(&format!("3000-{id}.preview.example.org"), Some(3000));
        check(&format!("3000-{id}"), Some(3000));
        check(&format!("03000-{id}.localhost"), None);
        check(&format!("+3000-{id}.localhost"), None);
        check(&format!("70000-{id}.localhost"), None);
        check(&format!("3000-{}.localhost", id.to_uppercase()), None);
        check(&format!("3000-{session}.localhost"), None);
        check(&format!("x.3000-{id}.localhost"), None);
        check("localhost:8789", None);
        check("", None);
    }

    #[test]
    fn addresses_of_previews() {
        let target = Target {
            session: Uuid::from_u128(0xabc),
            port: 80,
        };
        let check = |text: &str, expected: Option<&str>| {
            let origin = text.parse().ok().map(|url: PreviewUrl| url.origin(&target));
            assert_eq!(origin.as_deref(), expected, "{text}");
        };
        let label = "80-00000000000000000000000000000abc";
        let local = format!("http://{label}.localhost:8789");
        check("http://*.localhost:8789", Some(&local));
        let public = format!("https://{label}.preview.example.org");
        check("https://*.preview.example.org/", Some(&public));
        for wrong in [
            "http://localhost:8789",
            "http://*.",
            "http://*.a/b",
            "http://*.a?b",
            "ftp://*.a",
            "http://*.u@a",
            "*.a",
            "",
        ] {
            check(wrong, None);
        }
        assert_eq!(
            PreviewUrl::on_localhost(1).to_string(),
            "http://*.localhost:1"
        );
    }
}
