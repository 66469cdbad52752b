//! How the front door treats requests.

use ipnet::IpNet;
use origins::Origins;
use std::time::Duration;

/// Limits and trust of the front door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests that an address may send in a minute; 0 for no limit.
    pub rate_limit: u32,
    /// Connections at a time. One more is answered with 503.
    pub connections: usize,
    /// Connections at a time of one address; 0 for no limit. An IPv6 /64 is one address. This
    /// machine and [`trusted_proxies`](Self::trusted_proxies) are not counted. It holds for
    /// previews as well, as do the times of connections.
    pub connections_per_address: usize,
    /// The largest request body, in bytes.
    pub body: u64,
    /// How long a request's head may take to arrive. An idle connection is closed after it, too.
    pub head_timeout: Duration,
    /// How long a request's body may be silent.
    pub body_silence: Duration,
    /// How long the edge may take to begin its answer.
    pub answer_timeout: Duration,
    /// How long a client may take nothing of what it is sent until its connection is closed.
    pub unread: Duration,
    /// Proxies in front of the front door, whose `X-Forwarded-*` headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Which pages of other origins may read a refusal of the front door itself.
    pub origins: Origins,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate_limit: 6000,
            connections: 4096,
            connections_per_address: 512,
            body: 32 * 1024 * 1024,
            head_timeout: Duration::from_secs(15),
            body_silence: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(600),
            unread: Duration::from_secs(180),
            trusted_proxies: Vec::new(),
            origins: Origins::Nobody,
        }
    }
}
