//! What a runner is told when it starts.

use crate::{comfy, front_door, mail, previews, runs, sandboxes, sockets, token::Token};
use http::uri::Authority;
use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

/// Everything a [`Runner`](crate::Runner) is told when it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the front door listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the runner's own interface and its metrics listen, for the edge and the operator.
    pub admin_listen: SocketAddr,
    /// Where the edge is.
    pub edge: EdgeUrl,
    /// Where previews of sandboxes' servers listen, for those who have a pass.
    pub preview_listen: SocketAddr,
    /// What previews are like.
    pub previews: previews::Settings,
    /// What sandboxes are like.
    pub sandboxes: sandboxes::Settings,
    /// The secret that the edge and the runner share.
    pub token: Token,
    /// The folder that holds what must survive a restart. It is made if it is missing.
    pub state: PathBuf,
    /// How the front door treats requests.
    pub front_door: front_door::Settings,
    /// How sockets and streams are treated.
    pub sockets: sockets::Settings,
    /// Limits of rooms.
    pub rooms: rooms::Settings,
    /// How ComfyUI services are listened to.
    pub comfy: comfy::Settings,
    /// How runs are driven.
    pub runs: runs::Settings,
    /// How mail leaves.
    pub mail: mail::Settings,
    /// How often the edge is asked to clear up what is over.
    pub sweep: Duration,
    /// How often the edge is asked which sessions are gone, so that what they left is removed.
    pub gone_sessions: Duration,
    /// How often the edge is asked whether the ComfyUI services are there; zero is never.
    pub probe: Duration,
    /// How long a stop waits for what is under way before it cuts it off.
    pub drain: Duration,
}

impl Config {
    /// A runner in front of `edge` that listens on free loopback ports and keeps its state,
    /// its mail included, in `state`. What tests and embedders start from.
    #[must_use]
    pub fn local(edge: EdgeUrl, token: Token, state: PathBuf) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: loopback,
            admin_listen: loopback,
            preview_listen: loopback,
            previews: previews::Settings::default(),
            sandboxes: sandboxes::Settings::default(),
            edge,
            token,
            front_door: front_door::Settings::default(),
            sockets: sockets::Settings::default(),
            rooms: rooms::Settings::default(),
            comfy: comfy::Settings::default(),
            runs: runs::Settings::default(),
            mail: mail::Settings::to_outbox(state.join("outbox")),
            state,
            sweep: Duration::from_secs(3600),
            gone_sessions: Duration::from_secs(30),
            probe: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}

/// Where the edge is: `http://host:port`, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeUrl(Authority);

/// Why a text is no address of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected http://HOST:PORT without a path, a query or a login")]
pub struct EdgeUrlError;

impl EdgeUrl {
    /// Host and port.
    pub(crate) fn authority(&self) -> &Authority {
        &self.0
    }
}

impl FromStr for EdgeUrl {
    type Err = EdgeUrlError;

    fn from_str(text: &str) -> Result<Self, EdgeUrlError> {
        let url = url::Url::parse(text).map_err(|_| EdgeUrlError)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let open = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "http" || !bare || !open {
            return Err(EdgeUrlError);
        }
        let host = url.host_str().ok_or(EdgeUrlError)?;
        let port = url.port_or_known_default().ok_or(EdgeUrlError)?;
        format!("{host}:{port}")
            .parse()
            .map(Self)
            .map_err(|_| EdgeUrlError)
    }
}

impl From<SocketAddr> for EdgeUrl {
    fn from(address: SocketAddr) -> Self {
        let text = address.to_string();
        // A socket address in text is always an authority.
        Self(Authority::try_from(text).unwrap_or_else(|_| Authority::from_static("127.0.0.1")))
    }
}

impl fmt::Display for EdgeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_edges() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = text.parse::<EdgeUrl>().ok().map(|url| url.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        };
        check("http://127.0.0.1:3000", Some("http://127.0.0.1:3000"));
        check("http://localhost:3000/", Some("http://localhost:3000"));
        check("http://edge", Some("http://edge:80"));
        check("http://[::1]:3000", Some("http://[::1]:3000"));
        check("http://edge/api", None);
        check("http://edge?x", None);
        check("http://user:secret@edge", None);
        check("https://edge", None);
        check("127.0.0.1:3000", None);
        check("", None);
    }
}
